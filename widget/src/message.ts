// The messages of the chat API, as docs/chat-api.md describes them.
import type { Language } from "./words";

export interface Choice {
  id: string;
  title: string;
  used?: boolean;
}

export interface Source {
  title: string;
  url: string;
}

export interface Answer {
  question: string;
  title: string;
  answer: string;
  points: number;
  of: number;
}

export interface Result {
  band: string;
  score: number | null;
  of: number;
  gaps: string[];
  url?: string;
  answers?: Answer[];
}

export interface Coach {
  id: string;
  name: string;
  bio?: string;
  url?: string | null;
  facts?: Record<string, string>;
}

/** Who of the team says it, or has come or gone. */
export interface Person {
  name: string;
  state?: "joined" | "left";
}

export interface Message {
  id: string;
  role: "visitor" | "assistant" | "staff";
  at?: string;
  language: Language;
  kind: "text" | "faq" | "question" | "result" | "coaches" | "form" | "clarify" | "notice";
  text: string;
  choice?: string;
  choices?: Choice[];
  faq?: { id: string; sources: Source[] };
  /** What the visitor said of it; null: taken back. */
  helpful?: boolean | null;
  question?: { id: string; number: number; of: number };
  result?: Result;
  coaches?: Coach[];
  lead?: { reference: string; kind: string };
  staff?: Person;
}

/** What a visitor sends: one of the three. */
export type Content = { text: string } | { choice: string } | { intent: string };

/** Whether a choice of the message, once made, closes the others. */
export function isOnceOnly(message: Message): boolean {
  return ["question", "form", "clarify"].includes(message.kind);
}

/** An id made here, so that sending the same message again is harmless. */
export function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID(); // missing on pages without https
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
