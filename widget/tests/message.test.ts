import { afterEach, expect, test, vi } from "vitest";
import { isOnceOnly, newId } from "../src/message";
import { aMessage } from "./messages";

const API = /^[A-Za-z0-9_-]{8,64}$/; // what the chat API takes for an id

afterEach(() => vi.unstubAllGlobals());

test("an id is one that the front door takes, and no two are alike", () => {
  const ids = Array.from({ length: 100 }, newId);
  for (const id of ids) expect(id).toMatch(API);
  expect(new Set(ids).size).toBe(100);
});

test("on a page without https, where the browser makes none, an id is made all the same", () => {
  vi.stubGlobal("crypto", {
    getRandomValues: (bytes: Uint8Array) => bytes.map((_, at) => at * 16),
  });
  expect(newId()).toBe("00102030405060708090a0b0c0d0e0f0");
  expect(newId()).toMatch(API);
});

test.each([
  ["question", true],
  ["form", true],
  ["clarify", true],
  ["text", false],
  ["faq", false],
  ["result", false],
  ["coaches", false],
  ["notice", false],
] as const)("a choice of a %s is good once: %s", (kind, expected) => {
  expect(isOnceOnly(aMessage({ kind }))).toBe(expected);
});
