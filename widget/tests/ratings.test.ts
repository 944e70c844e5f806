// What a visitor says of an answer: sent, kept while it cannot be, and never in the way.
import { expect, test, vi } from "vitest";
import type { Message } from "../src/message";
import { anOpenTab, aTab, door, pass } from "./tab";

const RETRY_MS = 15_000;

function anAnswer(conversation = "c1"): Message {
  return door.say(conversation, { kind: "faq", faq: { id: "cost", sources: [] }, text: "Free." });
}

function ratings(): (string | undefined)[] {
  return door.asked.filter(({ what }) => what === "rate").map(({ body }) => JSON.stringify(body));
}

test("it is sent at once, and no more is kept of it", async () => {
  const { tab, store } = await anOpenTab();
  const answer = anAnswer();
  tab.rate(answer.id, true);
  expect(store.ratings).toEqual({ [answer.id]: true });
  await pass(0);
  expect(ratings()).toEqual(['{"helpful":true}']);
  expect(answer.helpful).toBe(true);
  expect(store.ratings).toEqual({});
});

test("it can be changed and taken back", async () => {
  const { tab } = await anOpenTab();
  const answer = anAnswer();
  for (const helpful of [true, false, null]) {
    tab.rate(answer.id, helpful);
    await pass(0);
  }
  expect(ratings()).toEqual(['{"helpful":true}', '{"helpful":false}', '{"helpful":null}']);
  expect(answer.helpful).toBeNull();
});

test.each([["lost" as const], [{ status: 503 }], [{ status: 429, retryAfter: 1 }]])(
  "one that does not arrive (%s) is kept and sent again",
  async (failure) => {
    const { tab, store } = await anOpenTab();
    const answer = anAnswer();
    door.fail("rate", failure);
    tab.rate(answer.id, false);
    await pass(0);
    expect(store.ratings).toEqual({ [answer.id]: false });
    await pass(RETRY_MS);
    expect(ratings()).toHaveLength(2);
    expect(answer.helpful).toBe(false);
    expect(store.ratings).toEqual({});
  },
);

test("one that was changed on its way is sent as it is now", async () => {
  const { tab, store } = await anOpenTab();
  const answer = anAnswer();
  const held = door.hold("rate");
  tab.rate(answer.id, true);
  tab.rate(answer.id, null);
  held.release();
  await pass(0);
  expect(ratings()).toEqual(['{"helpful":true}', '{"helpful":null}']);
  expect(store.ratings).toEqual({});
});

test("one of an answer that is gone is let go of", async () => {
  const { tab, store } = await anOpenTab();
  tab.rate("unknown-message", true);
  await pass(0);
  expect(ratings()).toHaveLength(1);
  expect(store.ratings).toEqual({});
});

test("a page that is left while it waits sends it when it comes back", async () => {
  const { tab } = await anOpenTab();
  const answer = anAnswer();
  door.fail("rate", "lost");
  tab.rate(answer.id, true);
  await pass(0);
  tab.stop();
  await pass(RETRY_MS);
  expect(ratings()).toHaveLength(1);
  const { tab: later, told } = aTab();
  const shown = vi.spyOn(told, "message");
  await later.start();
  await pass(0);
  expect(shown.mock.calls.at(-1)?.[0].helpful).toBe(true); // before it has arrived
  expect(ratings()).toHaveLength(2);
  expect(answer.helpful).toBe(true);
});

test("what was taken back and has not arrived is not shown as said", async () => {
  const { tab, store } = await anOpenTab();
  const answer = anAnswer();
  tab.rate(answer.id, true);
  await pass(0);
  tab.stop();
  store.ratings = { [answer.id]: null };
  const { tab: later, told } = aTab();
  const shown = vi.spyOn(told, "message");
  await later.start();
  expect(shown.mock.calls.at(-1)?.[0].helpful).toBeNull();
});

test("a new conversation has nothing of the old one to send", async () => {
  const { tab, store } = await anOpenTab();
  const answer = anAnswer();
  door.fail("rate", "lost");
  tab.rate(answer.id, true);
  await pass(0);
  await tab.restart({ forget: false });
  await pass(RETRY_MS);
  expect(store.ratings).toEqual({});
  expect(ratings()).toHaveLength(1);
});
