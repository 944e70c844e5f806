import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/api";
import type { Message } from "../src/message";
import { Stream } from "../src/stream";
import { FakeEventSource } from "./browser";
import { aMessage } from "./messages";

const KEY = { conversation: "c1", token: "t" };
const api = new Api("https://door.example");
const history = vi.spyOn(api, "history");
const heard = {
  message: vi.fn<(message: Message) => void>(),
  typing: vi.fn<(on: boolean) => void>(),
  connected: vi.fn(),
  lost: vi.fn(),
  gone: vi.fn(),
};
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses are as long as they say
  vi.clearAllMocks();
  history.mockResolvedValue([]);
  stream = new Stream(api, KEY, () => "fr", "m0", heard);
});
afterEach(() => {
  stream.close();
  FakeEventSource.forget();
  vi.useRealTimers();
});

function heardIds(): string[] {
  return heard.message.mock.calls.map(([message]) => message.id);
}

/** Let a pause pass, and what follows from it be done. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

test("it listens from the last message that was seen", () => {
  stream.open();
  expect(FakeEventSource.latest.url).toContain("/c1/events?token=t&after=m0");
});

test("opened twice, it listens once", () => {
  stream.open();
  stream.open();
  expect(FakeEventSource.all).toHaveLength(1);
});

test("messages and typing are told as they come", () => {
  stream.open();
  FakeEventSource.latest.connect();
  FakeEventSource.latest.emit("typing", { on: true });
  FakeEventSource.latest.emit("message", aMessage({ id: "a" }));
  FakeEventSource.latest.emit("typing", { on: false });
  expect(heard.connected).toHaveBeenCalledOnce();
  expect(heard.typing.mock.calls).toEqual([[true], [false]]);
  expect(heardIds()).toEqual(["a"]);
});

test("after a lost connection the history is asked, then it listens after the last message", async () => {
  stream.open();
  FakeEventSource.latest.emit("message", aMessage({ id: "a" }));
  history.mockResolvedValue([aMessage({ id: "b" })]);
  FakeEventSource.latest.fail();
  expect(FakeEventSource.listening).toHaveLength(0);
  await pass(400);
  expect(history).toHaveBeenCalledWith(KEY, "fr", "a");
  expect(heardIds()).toEqual(["a", "b"]);
  expect(FakeEventSource.latest.url).toContain("after=b");
  expect(FakeEventSource.listening).toHaveLength(1);
});

test("a message that comes by both ways is told once, whichever is first", async () => {
  stream.open();
  history.mockResolvedValue([aMessage({ id: "a" }), aMessage({ id: "b" })]);
  FakeEventSource.latest.emit("message", aMessage({ id: "a" }));
  await stream.catchUp();
  FakeEventSource.latest.emit("message", aMessage({ id: "a" }));
  FakeEventSource.latest.emit("message", aMessage({ id: "b" }));
  expect(heardIds()).toEqual(["a", "b"]);
  FakeEventSource.latest.fail();
  await pass(400);
  expect(FakeEventSource.latest.url).toContain("after=b");
});

test("an error that the server tells ends the connection like any other", async () => {
  stream.open();
  FakeEventSource.latest.emit("error", { code: "unavailable", message: "Later." });
  expect(FakeEventSource.listening).toHaveLength(0);
  await pass(400);
  expect(FakeEventSource.listening).toHaveLength(1);
});

test("the first failure may be a hiccup, the second is told", async () => {
  history.mockRejectedValue(new ApiError(0));
  stream.open();
  FakeEventSource.latest.fail();
  expect(heard.lost).not.toHaveBeenCalled();
  await pass(400);
  expect(heard.lost).toHaveBeenCalledOnce();
});

test("pauses double up to ten seconds, and are short again after a connection", async () => {
  history.mockRejectedValue(new ApiError(503));
  stream.open();
  FakeEventSource.latest.fail();
  for (const pause of [400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
    await pass(pause - 1);
    const before = history.mock.calls.length;
    await pass(1);
    expect(history.mock.calls.length - before).toBe(1);
  }
  history.mockResolvedValue([]);
  await pass(10_000);
  FakeEventSource.latest.connect();
  FakeEventSource.latest.fail();
  history.mockClear();
  await pass(400);
  expect(history).toHaveBeenCalledOnce();
});

test("pauses differ a little, so that not everybody comes back at once", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  stream.open();
  FakeEventSource.latest.fail();
  await pass(299);
  expect(history).not.toHaveBeenCalled();
  await pass(1);
  expect(history).toHaveBeenCalled();
});

test("opened during a pause, it listens at once, and only once", async () => {
  stream.open();
  FakeEventSource.latest.fail();
  stream.open();
  expect(FakeEventSource.listening).toHaveLength(1);
  await pass(60_000);
  expect(FakeEventSource.all).toHaveLength(2);
  expect(history).not.toHaveBeenCalled();
});

test("a conversation that is gone is told, and not asked for again", async () => {
  history.mockRejectedValue(new ApiError(401));
  stream.open();
  FakeEventSource.latest.fail();
  await pass(400);
  expect(heard.gone).toHaveBeenCalledOnce();
  await pass(60_000);
  expect(history).toHaveBeenCalledOnce();
  expect(FakeEventSource.all).toHaveLength(1);
});

test("typing that was going on is over when the connection is lost, or closed", () => {
  stream.open();
  FakeEventSource.latest.emit("typing", { on: true });
  FakeEventSource.latest.fail();
  expect(heard.typing).toHaveBeenLastCalledWith(false);
  stream.open();
  FakeEventSource.latest.emit("typing", { on: true });
  stream.close(); // as when the page is hidden: nobody would say that it is over
  expect(heard.typing).toHaveBeenLastCalledWith(false);
});

test("closed, it does nothing any more", async () => {
  stream.open();
  const source = FakeEventSource.latest;
  stream.close();
  heard.typing.mockClear();
  source.emit("message", aMessage());
  source.fail();
  await pass(60_000);
  expect(heard.message).not.toHaveBeenCalled();
  expect(heard.typing).not.toHaveBeenCalled();
  expect(history).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("closed during a pause, it stays closed", async () => {
  stream.open();
  FakeEventSource.latest.fail();
  stream.close();
  await pass(60_000);
  expect(history).not.toHaveBeenCalled();
  expect(FakeEventSource.all).toHaveLength(1);
});

test.each([
  ["answers", () => Promise.resolve([aMessage()])],
  ["fails", () => Promise.reject(new ApiError(0))],
  ["says that it is gone", () => Promise.reject(new ApiError(401))],
])("closed while the history %s, it says nothing", async (_how, answer) => {
  let finish = () => {};
  history.mockImplementation(async () => {
    await new Promise<void>((end) => {
      finish = end;
    });
    return answer();
  });
  stream.open();
  FakeEventSource.latest.fail();
  await pass(400);
  stream.close();
  finish();
  await pass(60_000);
  expect(heard.message).not.toHaveBeenCalled();
  expect(heard.gone).not.toHaveBeenCalled();
  expect(heard.lost).not.toHaveBeenCalled();
  expect(FakeEventSource.all).toHaveLength(1);
});

test("a history that fails late does not break the connection made meanwhile", async () => {
  let fail = () => {};
  history.mockImplementation(
    () =>
      new Promise((_, reject) => {
        fail = () => reject(new ApiError(0));
      }),
  );
  stream.open();
  FakeEventSource.latest.fail();
  await pass(400);
  stream.open(); // the network is back
  FakeEventSource.latest.connect();
  fail();
  await pass(60_000);
  expect(FakeEventSource.listening).toHaveLength(1);
  expect(FakeEventSource.all).toHaveLength(2);
  expect(heard.lost).not.toHaveBeenCalled();
});
