import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/api";
import { FakeEventSource } from "./browser";

const SERVER = "https://door.example/chat";
const KEY = { conversation: "c1", token: "secret" };
const api = new Api(SERVER);
const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetched.mockReset();
  FakeEventSource.forget();
});

function answers(body: unknown, status = 200, headers: Record<string, string> = {}): void {
  fetched.mockResolvedValue(
    new Response(body === null ? null : JSON.stringify(body), { status, headers }),
  );
}

/** Headers come at once, the body never does, unless the request is stopped. */
function stalls(): void {
  fetched.mockImplementation(async (_address, options) => {
    const body = new ReadableStream({
      start: (stream) => {
        const stopped = () => stream.error(new DOMException("stopped", "AbortError"));
        options?.signal?.addEventListener("abort", stopped);
      },
    });
    return new Response(body);
  });
}

function lastRequest(): { address: string; options: RequestInit; headers: Record<string, string> } {
  const [address, options = {}] = fetched.mock.lastCall ?? [];
  return { address: String(address), options, headers: options.headers as Record<string, string> };
}

async function failureOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof ApiError)) throw new Error(`no ApiError: ${error}`);
  return error;
}

test("a conversation is opened with its language and its page, without query and fragment", async () => {
  history.replaceState(null, "", "/help?who=me#there");
  answers({ conversation: "c1", token: "t", messages: [], settings: { text_limit: 100 } }, 201);
  const opened = await api.open("en");
  expect(opened).toMatchObject({ conversation: "c1", token: "t", settings: { text_limit: 100 } });
  const { address, options, headers } = lastRequest();
  expect(address).toBe(`${SERVER}/api/conversations`);
  expect(options.method).toBe("POST");
  expect(options.body).toBe('{"language":"en","page":"http://localhost:3000/help"}');
  expect(headers).toEqual({ "Accept-Language": "en", "Content-Type": "application/json" });
});

test("no request carries cookies or is kept by the browser", async () => {
  answers({ messages: [] });
  await api.history(KEY, "fr");
  expect(lastRequest().options).toMatchObject({ credentials: "omit", cache: "no-store" });
});

test("the history is asked for with the token, from the beginning or after a message", async () => {
  answers({ messages: [{ id: "m1" }] });
  expect(await api.history(KEY, "fr")).toEqual([{ id: "m1" }]);
  expect(lastRequest().address).toBe(`${SERVER}/api/conversations/c1/messages`);
  expect(lastRequest().options).toMatchObject({ method: "GET", body: null });
  expect(lastRequest().headers).toEqual({
    "Accept-Language": "fr",
    Authorization: "Bearer secret",
  });
  answers({ messages: [] });
  await api.history(KEY, "fr", "a b&c");
  expect(lastRequest().address).toBe(`${SERVER}/api/conversations/c1/messages?after=a%20b%26c`);
});

test.each([{ text: "hello" }, { choice: "x" }, { intent: "help" }])(
  "what a visitor says is sent as %j, with the id made here",
  async (content) => {
    answers({ id: "m1" }, 202);
    await api.send(KEY, "en", "m1", content);
    const { address, options } = lastRequest();
    expect(address).toBe(`${SERVER}/api/conversations/c1/messages`);
    expect(JSON.parse(String(options.body))).toEqual({ id: "m1", ...content });
  },
);

test("a conversation is erased, and one that is gone already is no failure", async () => {
  answers(null, 204);
  await api.erase(KEY, "en");
  expect(lastRequest().address).toBe(`${SERVER}/api/conversations/c1`);
  expect(lastRequest().options.method).toBe("DELETE");
  answers({ error: { code: "unauthorized", message: "Gone." } }, 401);
  await expect(api.erase(KEY, "en")).resolves.toBeUndefined();
});

test("an erasure that fails for another reason is a failure", async () => {
  answers({ error: { code: "unavailable", message: "Later." } }, 503);
  expect((await failureOf(api.erase(KEY, "en"))).status).toBe(503);
});

test("the transcript is a file", async () => {
  fetched.mockResolvedValue(new Response("what was said"));
  const file = await api.transcript(KEY, "en");
  expect(await file.text()).toBe("what was said");
  expect(lastRequest().address).toBe(`${SERVER}/api/conversations/c1/transcript.txt`);
});

test("the events are asked for with the token in the address, after the last message", () => {
  api.events({ ...KEY, token: "a&b" }, "");
  expect(FakeEventSource.latest.url).toBe(`${SERVER}/api/conversations/c1/events?token=a%26b`);
  api.events(KEY, "m1");
  expect(FakeEventSource.latest.url).toContain("events?token=secret&after=m1");
});

test("an address below the front door stays below it", () => {
  expect(api.url("/r/abc")).toBe("https://door.example/chat/r/abc");
  expect(api.url("privacy?lang=fr")).toBe("https://door.example/chat/privacy?lang=fr");
  for (const hostile of ["//evil.example/x", "javascript:alert(1)", "https://evil.example"]) {
    expect(api.url(hostile)).toMatch(/^https:\/\/door\.example\/chat\//);
  }
});

test("when nothing comes back, the failure has status 0 and may pass", async () => {
  fetched.mockRejectedValue(new TypeError("Failed to fetch"));
  const failure = await failureOf(api.history(KEY, "en"));
  expect(failure).toMatchObject({ status: 0, message: "", retryAfter: 0, passing: true });
});

test("a refusal carries the front door's sentence", async () => {
  answers({ error: { code: "text_empty", message: "The message is empty." } }, 422);
  const failure = await failureOf(api.send(KEY, "en", "m1", { text: " " }));
  expect(failure).toMatchObject({ status: 422, message: "The message is empty.", passing: false });
});

test("a limit says how many seconds to wait", async () => {
  answers({ error: { message: "Too fast." } }, 429, { "Retry-After": "7" });
  const failure = await failureOf(api.send(KEY, "en", "m1", { text: "a" }));
  expect(failure).toMatchObject({ status: 429, retryAfter: 7, passing: true });
});

test("a pause that is no number of seconds is none", async () => {
  answers({}, 429, { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" });
  expect((await failureOf(api.open("en"))).retryAfter).toBe(0);
});

test("an error of something between, in HTML, is a failure with its status and no sentence", async () => {
  fetched.mockResolvedValue(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(await failureOf(api.open("en"))).toMatchObject({
    status: 502,
    message: "",
    passing: true,
  });
});

test.each([
  [0, true],
  [429, true],
  [500, true],
  [503, true],
  [400, false],
  [401, false],
  [404, false],
  [409, false],
  [422, false],
])("whether a failure with status %d may pass: %s", (status, passing) => {
  expect(new ApiError(status).passing).toBe(passing);
});

test("a success that is not JSON, as of a hotel's network, is as if nothing came back", async () => {
  fetched.mockResolvedValue(new Response("<html>Please log in</html>"));
  expect((await failureOf(api.open("en"))).status).toBe(0);
  fetched.mockResolvedValue(new Response("<html>Please log in</html>"));
  expect((await failureOf(api.history(KEY, "en"))).status).toBe(0);
});

test("a request that takes too long is stopped", async () => {
  fetched.mockImplementation(
    (_address, options) =>
      new Promise((_, fail) => {
        options?.signal?.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
      }),
  );
  const failure = failureOf(api.open("en"));
  await vi.advanceTimersByTimeAsync(24_000);
  expect(lastRequest().options.signal?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await failure).status).toBe(0);
});

test("an answer that stops half way is stopped too", async () => {
  stalls();
  const failure = failureOf(api.history(KEY, "en"));
  await vi.advanceTimersByTimeAsync(26_000);
  expect((await failure).status).toBe(0);
});

test("no timer is left behind", async () => {
  answers({ messages: [] });
  await api.history(KEY, "en");
  answers({}, 500);
  await failureOf(api.history(KEY, "en"));
  expect(vi.getTimerCount()).toBe(0);
});
