// What jsdom lacks of a browser, as much of it as the widget uses. Importing this file puts it into the
// window of the tests.
import { vi } from "vitest";

/** A connection to a stream of events; the test says what comes through it. */
export class FakeEventSource extends EventTarget {
  static readonly all: FakeEventSource[] = [];
  /** Called with every new one, as a server would be. */
  static served: (source: FakeEventSource) => void = () => {};

  onopen: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeEventSource.all.push(this);
    FakeEventSource.served(this);
  }

  static get latest(): FakeEventSource {
    const latest = FakeEventSource.all.at(-1);
    if (!latest) throw new Error("nobody listens to events");
    return latest;
  }

  /** Those that are not closed. */
  static get listening(): FakeEventSource[] {
    return FakeEventSource.all.filter((source) => !source.closed);
  }

  static forget(): void {
    FakeEventSource.all.length = 0;
    FakeEventSource.served = () => {};
  }

  close(): void {
    this.closed = true;
  }

  connect(): void {
    if (!this.closed) this.onopen?.();
  }

  /** An event of the server's. */
  emit(type: string, data: unknown): void {
    if (!this.closed) this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  /** The connection is lost. */
  fail(): void {
    if (!this.closed) this.dispatchEvent(new Event("error"));
  }
}

/** The part of the window above an on-screen keyboard. */
export class FakeViewport extends EventTarget {
  height = 600;
  offsetTop = 0;
  scale = 1;
}

class FakeResizeObserver {
  static readonly all: FakeResizeObserver[] = [];
  constructor(private readonly changed: () => void) {
    FakeResizeObserver.all.push(this);
  }
  observe(): void {}
  resize(): void {
    this.changed();
  }
}

/** One after the other, as `navigator.locks` has it. */
export class FakeLocks {
  private last: Promise<unknown> = Promise.resolve();

  request<T>(_name: string, work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => {});
    return mine;
  }
}

/** What a test may set: whether the screen is a phone's, and what is above its keyboard. */
export const screen = { phone: false, viewport: new FakeViewport() };

export function resizeAll(): void {
  for (const observer of FakeResizeObserver.all) observer.resize();
}

/** As if the page were hidden, or seen again. */
export function setHidden(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

/** As if the network were gone, or back. */
export function setOnline(online: boolean): void {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(online);
  window.dispatchEvent(new Event(online ? "online" : "offline"));
}

/** As if another tab had written to the storage that this one shares; null: cleared it. */
export function tellStorage(key: string | null): void {
  window.dispatchEvent(new StorageEvent("storage", { key }));
}

/** Gives a browser the locks that pages without https lack. */
export function setLocks(locks: { request: unknown } | undefined): void {
  Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
}

/** Puts what jsdom lacks into a window: the one of the tests, or that of a page of its own. */
export function equip(page: typeof globalThis): void {
  const sheets = new WeakMap<ShadowRoot, CSSStyleSheet[]>();
  const adopted = { value: [], configurable: true };
  Object.defineProperty(page.Document.prototype, "adoptedStyleSheets", adopted);
  Object.defineProperty(page.ShadowRoot.prototype, "adoptedStyleSheets", {
    configurable: true,
    get(this: ShadowRoot) {
      return sheets.get(this) ?? [];
    },
    set(this: ShadowRoot, own: CSSStyleSheet[]) {
      sheets.set(this, own);
    },
  });
  Object.assign(page.HTMLDialogElement.prototype, {
    show(this: HTMLDialogElement) {
      this.open = true;
    },
    showModal(this: HTMLDialogElement) {
      this.open = true;
    },
    close(this: HTMLDialogElement) {
      this.open = false;
    },
  });
  Object.assign(page, {
    EventSource: FakeEventSource,
    ResizeObserver: FakeResizeObserver,
    CSS: { escape: (text: string) => text.replace(/[^\w-]/g, "\\$&") },
    matchMedia: () =>
      Object.defineProperty(new EventTarget(), "matches", { get: () => screen.phone }),
  });
  Object.defineProperty(page, "visualViewport", { configurable: true, get: () => screen.viewport });
}

if ("document" in globalThis) equip(globalThis);
