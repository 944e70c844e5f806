"""What a message wishes of a coach, and the vocabulary file that it is read with."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mobilis.content import LANGUAGES
from mobilis.errors import ContentError
from mobilis.facets import FACETS, FILE, Facets, Vocabulary, load_facets

ROOT = Path(__file__).resolve().parent.parent
VOCABULARY = load_facets(ROOT)


def wishes(text: str) -> dict[str, list[str]]:
    return VOCABULARY.extract(text).to_json()


def texts(lines: str) -> list[Any]:
    """Lines of « wishes | text », the wishes as space-separated values."""
    rows = [line.split("|", 1) for line in lines.strip().splitlines()]
    return [pytest.param(text.strip(), found.split(), id=text.strip()) for found, text in rows]


def flat(found: dict[str, list[str]]) -> list[str]:
    return [value for values in found.values() for value in values]


def same(text: str, expected: list[str]) -> None:
    assert sorted(flat(wishes(text))) == sorted(expected)


# Whole messages


def test_a_message_gives_every_facet() -> None:
    assert wishes("un coach bilingue à Sept-Îles pour le logement, au municipal") == {
        "region": ["QC"],
        "language": ["en", "fr"],
        "level": ["municipal"],
        "topic": ["housing"],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        QC fr housing | Je cherche un coach francophone en Gaspésie pour du logement social
        ON fr municipal | need a coach in Sudbury who speaks french and knows city council
        QC provincial | Y a-t-il quelqu'un au Saguenay qui connaît l'Assemblée nationale?
        NB en fr food_security | un coach bilingue pour une banque alimentaire à Moncton
        ON housing | coach for a homelessness org in the GTA
        QC en mental_health | an English-speaking coach in Montreal with experience in mental health
        QC municipal housing | on veut parler à la mairie de Longueuil sur l'itinérance
        BC environment provincial | near Kelowna who works on climate policy at the provincial level
        QC youth education | notre organisme aide les jeunes en décrochage à Laval
        NS seniors | anyone on Cape Breton for seniors?
        QC en federal | coach parlant anglais à Gatineau, niveau fédéral
        BC youth housing | youth homelessness in Victoria
        QC fr housing | Région : Montréal. Langue : français. Sujet : logement
        AB provincial | who knows the Alberta government
        QC provincial | le gouvernement du Québec
        QC provincial health | le ministère de la Santé du Québec
        federal | le gouvernement du Canada
        immigration mental_health seniors | santé mentale des aînés immigrants
        """
    ),
)
def test_whole_messages(text: str, expected: list[str]) -> None:
    same(text, expected)


# Regions


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        QC | coach à Trois-Rivières
        QC | coach a trois rivieres
        QC | TROIS-RIVIERES
        QC | sept iles
        QC | St-Jérôme
        QC | saint jerome
        QC | dans le Bas-St-Laurent
        QC | l'Abitibi
        QC | Nunavik
        QC | Eeyou Istchee
        QC | aux Îles-de-la-Madeleine
        QC | MTL
        QC | ville de Québec
        QC | Quebec City
        NL | St. John's
        NL | St Johns
        NL | Saint-Jean de Terre-Neuve
        NB | Saint John
        NB | saint-john nb
        QC | Saint-Jean-sur-Richelieu
        ON | Sault Ste. Marie
        ON | T.O.
        ON | Prince Edward County
        PE | Prince Edward Island
        PE | l'Î.-P.-É.
        PE | ipe
        BC | C.-B.
        BC | in bc
        BC | Victoria
        ON | London
        ON | Hamilton
        NS | N.-É.
        NB | N.-B.
        NL | T.-N.-L.
        NT | les T.N.-O.
        YT | au Yukon
        NU | Iqaluit
        AB SK | Lloydminster
        NB NS PE | in the Maritimes
        AB MB SK | dans les Prairies
        NB NL NS PE | l'Atlantique
        NB NL NS PE | Atlantic Canada
        NT NU YT | the territories
        NB NS PE QC | dans les Maritimes ou au Québec
        """
    ),
)
def test_places_are_found_in_their_province(text: str, expected: list[str]) -> None:
    same(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        ON | Windsor
        NS | Windsor, NS
        NS | Windsor, Nova Scotia
        QC | Windsor au Québec
        PE | Stratford, PEI
        ON QC | Windsor, Montréal
        NS | Sydney
        """
    ),
)
def test_the_province_named_beside_a_place_decides(text: str, expected: list[str]) -> None:
    same(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        ON | Sudbury, ON
        ON | Kingston ON K7L
        ON | a coach in ON
        ON | TORONTO, ON
        ON | Ottawa, Ont.
        MB | Brandon, Man.
        BC | a coach in BC
        NS | NS
        | on cherche un coach
        | On cherche un coach
        | ON CHERCHE UN COACH
        | BONJOUR, ON CHERCHE UN COACH
        | coaching on demand
        | ok
        | ils n'en ont pas
        | man, I need a coach
        | we work with me and you
        | il est nu
        | qu'est-ce que c'est
        | nb ns pe mb sk ab nt nu me
        """
    ),
)
def test_abbreviations_count_only_where_they_cannot_be_words(
    text: str, expected: list[str]
) -> None:
    same(text, expected)


# Languages


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        fr | in French
        fr | en français
        fr | francophone
        fr | français svp
        en | English please
        en | qui parle anglais
        en | unilingue anglais
        en fr | bilingue
        en fr | French and English
        en fr | français/anglais
        en fr | dans les deux langues officielles
        fr | a French youth coach
        | French school boards
        | English school boards
        | the French-speaking community
        | les aînés francophones
        | nous sommes un organisme francophone
        | une commission scolaire anglophone
        en fr | we work with francophone seniors and need a bilingual coach
        | French immersion
        | cours de français
        | l'accès aux services en français
        """
    ),
)
def test_a_language_counts_when_it_is_the_coachs(text: str, expected: list[str]) -> None:
    assert wishes(text).get("language", []) == expected


@pytest.mark.parametrize(
    "text", ["English or French", "en français ou en anglais, peu importe", "anglais ou français?"]
)
def test_one_language_or_the_other_is_no_wish(text: str) -> None:
    found = VOCABULARY.extract(text)
    assert "language" not in found.values
    assert "language" in found.cleared


def test_a_language_or_both_is_that_language() -> None:
    assert wishes("anglais ou bilingue") == {"language": ["en"]}
    assert wishes("Francophone or bilingual") == {"language": ["fr"]}


# Levels


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        municipal | city hall
        municipal | la mairie
        municipal | le conseil municipal
        municipal | parler à la ville
        | dans ma ville
        | in my city
        provincial | l'Assemblée nationale
        provincial | Queen's Park
        provincial | our MPP
        provincial | MNA
        federal | our MP
        | mp
        federal | notre députée fédérale
        federal | Parliament Hill
        federal | the federal government in Ottawa
        federal | le gouvernement à Ottawa
        ON | Ottawa
        municipal provincial | municipal et provincial
        """
    ),
)
def test_levels(text: str, expected: list[str]) -> None:
    same(text, expected)


# Topics


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        housing | HLM
        housing | itinérance
        housing | tenants
        housing | sans-abri
        food_security | banque alimentaire
        food_security | la faim
        disability | handicap
        disability | autisme
        education | écoles
        education | décrochage
        education | literacy
        mental_health | santé mentale
        health | santé
        health | santé publique
        violence_prevention | a women's shelter
        housing | a homeless shelter
        immigration | nouveaux arrivants
        indigenous | Premières Nations
        indigenous | a Cree community
        arts_culture | museum
        poverty | basic income
        employment | sans emploi
        community_development | vie de quartier
        environment | changements climatiques
        seniors | CHSLD
        youth | maison de jeunes
        education | les élèves
        | un budget élevé
        | c'est moi qui l'ai créé
        | un travailleur social
        | in a bilingual environment
        | en tenant compte de tout
        """
    ),
)
def test_topics(text: str, expected: list[str]) -> None:
    same(text, expected)


# Typos


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        QC | Montral
        ON | Tornto
        ON | Otawa
        QC | Drumondville
        QC | Trois-Riviere
        QC | troisrivieres
        NS | nouvelle ecose
        NS | Novia Scotia
        BC | colombie brittanique
        SK | Saskatchwan
        mental_health | santé mantale
        food_security | banque alimantaire
        environment | environement
        en fr | bilinge
        municipal | municpal
        """
    ),
)
def test_typos_are_forgiven(text: str, expected: list[str]) -> None:
    same(text, expected)


@pytest.mark.parametrize(
    "word",
    """
    survey barrier region million version question mission public policy engage mobilis coach
    tenant maritime conversation elections addition council kitchen quite provence maurice marie
    renovation seulement personnage complement economique travailler travaille solaire françois
    allophone stanford process project partner charity meeting minutes number budget support
    bonjour merci comment pourquoi combien rencontre soutien projet équipe bénévole membre
    stable monter parler changer besoin trouver chercher quelqu'un possible disponible
    """.split(),
)
def test_a_common_word_is_no_typo(word: str) -> None:
    assert wishes(word) == {}


def test_no_word_that_is_declared_a_word_is_a_typo() -> None:
    data = yaml.safe_load((ROOT / FILE).read_text(encoding="utf-8"))
    words = [word for language in LANGUAGES for word in data["never_typos"][language]]
    assert len(words) > 500
    assert [word for word in words if flat(wishes(word))] == []


# Refusals and indifference


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        | not in Toronto
        | pas en anglais
        | pas besoin qu'il parle anglais
        | not necessarily bilingual
        | sans être bilingue
        | n'importe quelle langue
        | whatever language
        | un coach autre que Montréal
        | ni à Montréal ni à Québec
        | not in Toronto or Ottawa
        | French not required
        | l'anglais n'est pas nécessaire
        | je ne parle pas anglais
        | no French
        | hors Québec
        | anywhere but Alberta
        QC | pas à Montréal, plutôt à Québec
        BC | not in Alberta but in BC
        en | I don't need someone bilingual, just English
        fr | en français mais pas nécessairement bilingue
        NS immigration | newcomers in Halifax, bilingual would be nice but not required
        housing | pas seulement le logement
        QC | pas loin de Montréal
        ON | not far from Hamilton
        QC | pourquoi pas Laval
        QC | un organisme sans but lucratif à Gaspé
        NS | a not-for-profit in Halifax
        QC | vous n'avez pas quelqu'un à Gaspé?
        SK | I can't find a coach in Regina
        QC | n'y a-t-il pas un coach à Amos?
        ON | don't forget Toronto
        QC | no montreal
        municipal | municipal rather than provincial
        QC | n'importe où au Québec
        ON | anywhere in Ontario
        """
    ),
)
def test_what_is_refused_is_not_taken(text: str, expected: list[str]) -> None:
    same(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    texts(
        """
        region | n'importe où
        region | anywhere
        region | peu importe la région
        region | doesn't matter where
        region | any province
        region | partout au Canada
        region | drop the region
        language | any language
        language | la langue n'a pas d'importance
        language | langue : peu importe
        language | not necessarily bilingual
        language | pas nécessairement bilingue
        language | sans être bilingue
        language | English is not needed
        language | remove the language filter
        level | tous les paliers
        level | any level of government
        topic | n'importe quel sujet
        topic | any topic
        language region | any province, any language
        language level region topic | peu importe
        language level region topic | any coach
        | anyone else?
        | n'importe où au Québec
        | en français, pas nécessairement bilingue
        | not in Toronto
        """
    ),
)
def test_what_does_not_matter_is_cleared(text: str, expected: list[str]) -> None:
    assert sorted(VOCABULARY.extract(text).cleared) == expected


def test_a_refused_province_is_named_a_refused_place_is_not() -> None:
    assert VOCABULARY.extract("not in Ontario").refused == {"region": ("ON",)}
    assert VOCABULARY.extract("not in Toronto").refused == {}
    assert VOCABULARY.extract("not in Toronto, in Ontario").values == {"region": ("ON",)}


# What becomes of earlier wishes


EARLIER = {"region": ["QC"], "language": ["en", "fr"], "topic": ["housing"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("merci", EARLIER),
        ("plutôt en Ontario", {**EARLIER, "region": ["ON"]}),
        ("au municipal", {**EARLIER, "level": ["municipal"]}),
        ("peu importe la région", {"language": ["en", "fr"], "topic": ["housing"]}),
        ("pas nécessairement bilingue", {"region": ["QC"], "topic": ["housing"]}),
        ("pas en anglais", {**EARLIER, "language": ["fr"]}),
        ("not in Quebec", {"language": ["en", "fr"], "topic": ["housing"]}),
        ("autre que Montréal", EARLIER),
        ("les aînés aussi", {**EARLIER, "topic": ["housing", "seniors"]}),
        ("add food security", {**EARLIER, "topic": ["food_security", "housing"]}),
        ("enlève le logement", {"region": ["QC"], "language": ["en", "fr"]}),
        ("drop the housing", {"region": ["QC"], "language": ["en", "fr"]}),
        ("enlève le logement, juste les aînés", {**EARLIER, "topic": ["seniors"]}),
        ("n'importe quel coach", {}),
    ],
)
def test_a_message_changes_earlier_wishes(text: str, expected: dict[str, list[str]]) -> None:
    found = VOCABULARY.extract(text).after(EARLIER)
    assert {key: sorted(values) for key, values in found.items()} == expected


@pytest.mark.parametrize(
    ("text", "local"), [("en Estrie", True), ("à Laval", True), ("au Québec", False), ("", False)]
)
def test_a_place_within_a_province_is_told_from_the_province(text: str, local: bool) -> None:
    assert VOCABULARY.extract(text).local == local


def test_nothing_said_is_falsy() -> None:
    assert not VOCABULARY.extract("bonjour")
    assert VOCABULARY.extract("n'importe où")
    assert VOCABULARY.extract("pas en Ontario")


# What the values are called


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_has_a_title(language: str) -> None:
    for facet, values in FACETS.items():
        found = [VOCABULARY.title(facet, value, language) for value in values]
        assert len(set(found)) == len(values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_is_understood_by_its_title(language: str) -> None:
    for facet, values in FACETS.items():
        for value in values:
            assert wishes(VOCABULARY.title(facet, value, language)) == {facet: [value]}


def test_where_a_region_is() -> None:
    assert VOCABULARY.place("QC", "fr") == "au Québec"
    assert VOCABULARY.place("ON", "fr") == "en Ontario"
    assert VOCABULARY.place("NL", "fr") == "à Terre-Neuve-et-Labrador"
    assert VOCABULARY.place("QC", "en") == "in Quebec"
    for region in FACETS["region"]:
        for language in LANGUAGES:
            assert wishes(VOCABULARY.place(region, language)) == {"region": [region]}


def test_a_complete_list_has_one_name() -> None:
    assert VOCABULARY.titles("region", FACETS["region"], "fr") == ["tout le Canada"]
    assert VOCABULARY.titles("region", ["ON", "QC"], "en") == ["Ontario", "Quebec"]


# Whatever is typed


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
@example("\ud800")
@example("İstanbul ŒUVRE ß ﬁ")
@example("not " * 200)
@example("ON, ON, ON")
def test_any_text_is_read(text: str) -> None:
    check(VOCABULARY.extract(text))


PARTS = """
pas not sans no mais but ou or et and Montréal Ontario ON, N.-B. bilingue français English French
school coach peu importe la langue région any région. n'importe où partout not-required nécessaire
gouvernement du Windsor, NS logement ville the in à don't forget
""".split()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=15).map(" ".join))
def test_any_mixture_of_known_words_is_read(text: str) -> None:
    check(VOCABULARY.extract(text))


def check(found: Facets) -> None:
    for facet, values in [*found.values.items(), *found.refused.items()]:
        assert values
        assert list(values) == sorted(set(values))
        assert set(values) <= set(FACETS[facet])
    assert set(found.values) & found.cleared == set()
    for facet, values in found.refused.items():
        assert not set(values) & set(found.values.get(facet, ()))


def test_a_very_long_text_is_read_in_time() -> None:
    started = time.process_time()
    VOCABULARY.extract(
        "Nous cherchons une coach bilingue à Trois-Rivieres pour le logement. " * 500
    )
    assert time.process_time() - started < 2


# The file


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """The data of the file, with only a few terms of each list: enough to make mistakes in."""
    data = shortened(yaml.safe_load((ROOT / FILE).read_text(encoding="utf-8")))
    data["region"]["ON"]["places"] = ["Toronto", "Windsor"]
    data["namesakes"] = {"Windsor": ["NS"]}
    return data


def shortened(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: shortened(value) for key, value in data.items()}
    return [shortened(value) for value in data[:2]] if isinstance(data, list) else data


Loading = Callable[[Callable[[dict[str, Any]], None]], Vocabulary]


@pytest.fixture
def load_changed(data: dict[str, Any], tmp_path: Path) -> Loading:
    """Loads the file after a change to its data."""

    def load(change: Callable[[dict[str, Any]], None]) -> Vocabulary:
        changed = copy.deepcopy(data)
        change(changed)
        (tmp_path / "content").mkdir()
        (tmp_path / FILE).write_text(yaml.dump(changed, allow_unicode=True), encoding="utf-8")
        return load_facets(tmp_path)

    return load


def test_a_new_term_needs_no_code(load_changed: Loading) -> None:
    vocabulary = load_changed(
        lambda data: data["region"]["QC"]["places"].append("Saint-Exemple-du-Lac")
    )
    assert vocabulary.extract("à st exemple du lac").to_json() == {"region": ["QC"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("topic"), "the file: topic is missing"),
        (lambda d: d.update(colour={}), "the file: colour is not known here"),
        (lambda d: d["region"].pop("QC"), "region: QC is missing"),
        (lambda d: d["region"].update(XX={}), "region: XX is not known here"),
        (lambda d: d["region"].update({True: {}}), 'region: put quotes around "ON"'),
        (lambda d: d["region"]["QC"]["title"].pop("fr"), "region.QC.title.fr is missing"),
        (lambda d: d["region"]["QC"].pop("in"), "region.QC.in is missing"),
        (lambda d: d["region"]["QC"].pop("terms"), "region.QC.terms must have fr and en"),
        (lambda d: d["region"]["QC"]["terms"].pop("en"), "region.QC.terms must have fr and en"),
        (lambda d: d["region"]["QC"].update(words=[]), "region.QC may only have"),
        (lambda d: d["topic"].update(housing=[]), "topic.housing may only have"),
        (lambda d: d["region"]["QC"]["places"].append(True), "is not a text"),
        (lambda d: d["region"]["QC"]["places"].append("!"), "region.QC.places has an empty term"),
        (
            lambda d: d["region"]["QC"]["places"].append("Toronto"),
            "region.QC.places: Toronto stands in region.ON.places already",
        ),
        (lambda d: d["region"]["QC"].update(codes="QC"), "region.QC.codes must be a list"),
        (lambda d: d.update(groups={}), "groups must be a list"),
        (lambda d: d["groups"][0].update(facet="colour"), "groups[1].facet must be one of"),
        (lambda d: d["groups"][0].update(values=["XX"]), "groups[1].values: XX is not a region"),
        (lambda d: d["groups"][0].pop("terms"), "groups[1]: terms is missing"),
        (lambda d: d.update(namesakes=[]), "namesakes must be a mapping"),
        (lambda d: d["namesakes"].update(Nulle=["QC"]), "namesakes.nulle is not a place above"),
        (lambda d: d["namesakes"].update(Windsor=["XX"]), "namesakes.Windsor: XX is not a region"),
        (lambda d: d["everything"].pop("level"), "everything: level is missing"),
        (lambda d: d["ignored"].pop("fr"), "ignored must have fr and en"),
        (lambda d: d["indifference"].pop("names"), "indifference: names is missing"),
        (lambda d: d["negation"].update(soft=[]), "negation.soft must have fr and en"),
        (lambda d: d["joining"]["or"].update(fr="ou"), "joining.or.fr must be a list"),
    ],
)
def test_a_mistake_is_named_with_file_and_field(
    load_changed: Loading, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(ContentError) as raised:
        load_changed(change)
    assert str(raised.value).startswith(f"{FILE}: ")
    assert message in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"content/facets\.yml: the file is missing"):
        load_facets(tmp_path)


@pytest.mark.parametrize(
    ("text", "named"),
    [("une coach qui parle espagnol à Laval", True), ("someone who speaks French", False)],
)
def test_a_language_that_the_directory_does_not_list_is_noticed(text: str, named: bool) -> None:
    assert VOCABULARY.extract(text).other_language is named
