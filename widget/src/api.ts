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
    readonly code = "",
  ) {
    super(message);
  }

  /** Whether the front door says when to come back: to this visitor, or to all of them. */
  get busy(): boolean {
    return this.status === 429 || this.code === "busy";
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
    return this.call("", language, { body: { language, page } }, (answer) => answer.json());
  }

  async history(key: Key, language: Language, after = ""): Promise<Message[]> {
    const query = after && `?after=${encodeURIComponent(after)}`;
    const path = `/${key.conversation}/messages${query}`;
    return (await this.call(path, language, { key }, (answer) => answer.json())).messages;
  }

  async send(key: Key, language: Language, id: string, content: Content): Promise<void> {
    const body = { id, ...content };
    await this.call(`/${key.conversation}/messages`, language, { key, body });
  }

  /** Says of an answer whether it helped; null takes that back. */
  async rate(key: Key, language: Language, id: string, helpful: boolean | null): Promise<void> {
    const path = `/${key.conversation}/messages/${encodeURIComponent(id)}/rating`;
    await this.call(path, language, { key, body: { helpful }, method: "PUT" });
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
    const path = `/${key.conversation}/transcript.txt`;
    return this.call(path, language, { key }, (answer) => answer.blob());
  }

  events(key: Key, after: string): EventSource {
    const query = new URLSearchParams({ token: key.token });
    if (after) query.set("after", after);
    return new EventSource(`${this.server}/api/conversations/${key.conversation}/events?${query}`);
  }

  /** An address below the front door. */
  url(path: string): string {
    return new URL(`./${path.replace(/^\/+/, "")}`, `${this.server}/`).href;
  }

  /** One request, `read` included in the patience; undefined when there is nothing to read. */
  private async call<T = void>(
    path: string,
    language: Language,
    { key, body, method }: { key?: Key; body?: object; method?: string },
    read?: (answer: Response) => Promise<T>,
  ): Promise<T> {
    const headers: Record<string, string> = { "Accept-Language": language };
    if (key) headers.Authorization = `Bearer ${key.token}`;
    if (body) headers["Content-Type"] = "application/json";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    try {
      const answer = await fetch(`${this.server}/api/conversations${path}`, {
        method: method ?? (body ? "POST" : "GET"),
        headers,
        body: body ? JSON.stringify(body) : null,
        credentials: "omit",
        cache: "no-store",
        signal: stop.signal,
      });
      if (!answer.ok) throw await refusal(answer);
      return (await read?.(answer)) as T;
    } catch (error) {
      // Nothing came back, not all of it, or not what a front door says.
      throw error instanceof ApiError ? error : new ApiError(0);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const told = await answer.json().catch(() => null);
  const seconds = Number(answer.headers.get("Retry-After")) || 0;
  return new ApiError(answer.status, told?.error?.message ?? "", seconds, told?.error?.code);
}
