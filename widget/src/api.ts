// Requests to the chat API. Every failure is an ApiError; status 0 means that nothing came back.
import type { Content, Message } from "./message";
import type { Key } from "./store";
import type { Language } from "./words";

const PATIENCE_MS = 25_000;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message = "",
    readonly retryAfter = 0,
  ) {
    super(message);
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Opened {
  conversation: string;
  token: string;
  messages: Message[];
  settings?: { retention_days?: number; text_limit?: number };
}

export class Api {
  constructor(readonly server: string) {}

  async open(language: Language): Promise<Opened> {
    const page = location.origin + location.pathname;
    return (await this.call("", language, { body: { language, page } })).json();
  }

  async history(key: Key, language: Language, after = ""): Promise<Message[]> {
    const query = after && `?after=${encodeURIComponent(after)}`;
    const path = `/${key.conversation}/messages${query}`;
    const response = await this.call(path, language, { key });
    return ((await response.json()) as { messages: Message[] }).messages;
  }

  async send(key: Key, language: Language, id: string, content: Content): Promise<void> {
    const body = { id, ...content };
    await this.call(`/${key.conversation}/messages`, language, { key, body });
  }

  /** Erases a conversation; one that is gone already is no failure. */
  async erase(key: Key, language: Language): Promise<void> {
    try {
      await this.call(`/${key.conversation}`, language, { key, method: "DELETE" });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
  }

  async transcript(key: Key, language: Language): Promise<Blob> {
    return (await this.call(`/${key.conversation}/transcript.txt`, language, { key })).blob();
  }

  events(key: Key, after: string): EventSource {
    const query = new URLSearchParams({ token: key.token });
    if (after) query.set("after", after);
    return new EventSource(`${this.server}/api/conversations/${key.conversation}/events?${query}`);
  }

  /** An address below the front door. */
  url(path: string): string {
    return new URL(path.replace(/^\//, ""), `${this.server}/`).href;
  }

  private async call(
    path: string,
    language: Language,
    { key, body, method }: { key?: Key; body?: object; method?: string },
  ): Promise<Response> {
    const headers: Record<string, string> = { "Accept-Language": language };
    if (key) headers.Authorization = `Bearer ${key.token}`;
    if (body) headers["Content-Type"] = "application/json";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    let response: Response;
    try {
      response = await fetch(`${this.server}/api/conversations${path}`, {
        method: method ?? (body ? "POST" : "GET"),
        headers,
        body: body ? JSON.stringify(body) : null,
        credentials: "omit",
        cache: "no-store",
        signal: stop.signal,
      });
    } catch {
      throw new ApiError(0);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return response;
    const told = await response.json().catch(() => null);
    const seconds = Number(response.headers.get("Retry-After")) || 0;
    throw new ApiError(response.status, told?.error?.message ?? "", seconds);
  }
}
