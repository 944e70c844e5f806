// A front door in memory, behind `fetch` and `EventSource`: it answers as docs/chat-api.md says, and
// fails as a test wants it to.
import { vi } from "vitest";
import type { Message } from "../src/message";
import type { Language } from "../src/words";
import { FakeEventSource } from "./browser";
import { aMessage } from "./messages";

export const DOOR = "https://door.example";

type What = "open" | "history" | "send" | "rate" | "erase" | "transcript";

/** What becomes of a request: lost on its way, or refused. */
type Failure = "lost" | { status: number; message?: string; retryAfter?: number; code?: string };

interface Asked {
  what: What;
  conversation: string;
  language: string;
  body: Record<string, string>;
}

/** A request that waits for the test to say how it goes on. */
interface Held {
  release(failure?: Failure): void;
}

const WORDS = { fr: "Bonjour.", en: "Hello." };

export class FrontDoor {
  readonly asked: Asked[] = [];
  readonly conversations = new Map<string, Message[]>();
  /** What the greeting and the answers to an opening come with. */
  settings: object | undefined = { retention_days: 365, text_limit: 2000 };
  private readonly outcomes = new Map<What, (Failure | Promise<Failure | undefined>)[]>();
  private opened = 0;

  constructor() {
    vi.stubGlobal("fetch", (address: string, options: RequestInit) => this.fetch(address, options));
    FakeEventSource.served = (source) => queueMicrotask(() => this.serve(source));
  }

  /** The next requests of a kind fail, one after the other. */
  fail(what: What, ...failures: Failure[]): void {
    this.queue(what).push(...failures);
  }

  /** The next request of a kind is not answered before the test says so. */
  hold(what: What): Held {
    let release: Held["release"] = () => {};
    const held = new Promise<Failure | undefined>((done) => {
      release = done;
    });
    this.queue(what).push(held);
    return { release: (failure) => release(failure) };
  }

  /** The assistant says something. */
  say(conversation: string, own: Partial<Message> = {}): Message {
    const message = aMessage(own);
    this.append(conversation, message);
    return message;
  }

  /** What visitors have said, in all conversations or in one. */
  said(conversation?: string): string[] {
    const sent = this.asked.filter(
      (asked) => asked.what === "send" && (!conversation || asked.conversation === conversation),
    );
    return sent.map(({ body }) => body.text ?? body.choice ?? body.intent ?? "");
  }

  count(what: What): number {
    return this.asked.filter((asked) => asked.what === what).length;
  }

  /** Who listens to the events of a conversation. */
  listeners(conversation: string): FakeEventSource[] {
    return FakeEventSource.listening.filter(({ url }) => url.includes(`/${conversation}/`));
  }

  private queue(what: What): (Failure | Promise<Failure | undefined>)[] {
    const queue = this.outcomes.get(what) ?? [];
    this.outcomes.set(what, queue);
    return queue;
  }

  private async fetch(address: string, options: RequestInit): Promise<Response> {
    const url = new URL(address);
    const [, conversation = "", rest = ""] =
      /conversations\/?([^/]*)\/?(.*)$/.exec(url.pathname) ?? [];
    const what = kindOf(options.method ?? "GET", conversation, rest);
    const headers = options.headers as Record<string, string>;
    const body = options.body ? JSON.parse(String(options.body)) : {};
    const language = headers["Accept-Language"] ?? "";
    this.asked.push({ what, conversation, language, body });
    const failure = await this.queue(what).shift();
    if (failure === "lost") throw new TypeError("Failed to fetch");
    if (failure) return refuse(failure);
    if (what === "open") return json(201, this.open(body.language as Language));
    const known = this.conversations.get(conversation);
    if (!known || headers.Authorization !== `Bearer token-${conversation}`) {
      return refuse({ status: 401, message: "Gone." });
    }
    return this.answer(what, conversation, known, url, body, rest);
  }

  private open(language: Language): object {
    this.opened += 1;
    const conversation = `c${this.opened}`;
    const greeting = aMessage({ id: `${conversation}-hello`, language, text: WORDS[language] });
    this.conversations.set(conversation, [greeting]);
    const token = `token-${conversation}`;
    return { conversation, token, messages: [greeting], settings: this.settings };
  }

  private answer(
    what: What,
    conversation: string,
    known: Message[],
    url: URL,
    body: Record<string, string>,
    rest: string,
  ): Response {
    if (what === "history") return json(200, { messages: after(known, url) });
    if (what === "transcript") return new Response(known.map(({ text }) => text).join("\n"));
    if (what === "rate") {
      const rated = known.find(({ id }) => rest.includes(`/${id}/`));
      if (!rated) return refuse({ status: 404, message: "Unknown." });
      rated.helpful = (body as { helpful?: boolean | null }).helpful ?? null;
      return new Response(null, { status: 204 });
    }
    if (what === "erase") {
      this.conversations.delete(conversation);
      return new Response(null, { status: 204 });
    }
    const { id = "", choice } = body;
    const text = body.text ?? (choice ? titleOf(known, choice) : `(${body.intent})`);
    const own = choice ? { choice } : {};
    if (!known.some((message) => message.id === id)) {
      this.append(conversation, aMessage({ id, role: "visitor", text, ...own }));
    }
    return json(202, { id });
  }

  private append(conversation: string, message: Message): void {
    this.conversations.get(conversation)?.push(message);
    for (const source of this.listeners(conversation)) source.emit("message", message);
  }

  private serve(source: FakeEventSource): void {
    const url = new URL(source.url);
    const known = this.conversations.get(url.pathname.split("/")[3] ?? "");
    if (!known) {
      source.fail();
      return;
    }
    source.connect();
    for (const message of after(known, url)) source.emit("message", message);
  }
}

function kindOf(method: string, conversation: string, rest: string): What {
  if (!conversation) return "open";
  if (method === "DELETE") return "erase";
  if (method === "PUT") return "rate";
  if (rest === "transcript.txt") return "transcript";
  return method === "POST" ? "send" : "history";
}

function after(messages: Message[], url: URL): Message[] {
  const id = url.searchParams.get("after");
  return messages.slice(messages.findIndex((message) => message.id === id) + 1);
}

function titleOf(messages: Message[], choice: string): string {
  const offered = messages.flatMap(({ choices = [] }) => choices);
  return offered.find(({ id }) => id === choice)?.title ?? choice;
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status });
}

function refuse({ status, message, retryAfter, code }: Exclude<Failure, "lost">): Response {
  const headers: Record<string, string> = retryAfter ? { "Retry-After": String(retryAfter) } : {};
  return new Response(JSON.stringify({ error: { message, code } }), { status, headers });
}
