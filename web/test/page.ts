/** As much of a browser's document as the keyboard and the strip need. */
export class FakeElement extends EventTarget {
  readonly attributes: Record<string, string> = {};
  readonly children: unknown[] = [];
  clientWidth = 0;
  clientHeight = 0;
  width = 0;
  height = 0;
  type = "";
  readonly tagName: string;
  /** Rectangles that were filled, [left, top, width, height]. */
  filled: number[][] = [];
  written: { text: string; x: number }[] = [];

  constructor(tag: string) {
    super();
    this.tagName = tag.toUpperCase();
  }
  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
  }
  append(...children: unknown[]): void {
    this.children.push(...children);
  }
  setPointerCapture(): void {}
  getBoundingClientRect() {
    return { left: 100, width: this.clientWidth };
  }
  getContext() {
    return {
      clearRect: () => {
        this.filled = [];
        this.written = [];
      },
      fillRect: (...box: number[]) => this.filled.push(box),
      strokeRect: () => {},
      setTransform: () => {},
      measureText: () => ({ width: 20 }),
      fillText: (text: string, x: number) => this.written.push({ text, x }),
    };
  }
}

export class FakeDocument extends EventTarget {
  createElement(tag: string): FakeElement {
    return new FakeElement(tag);
  }
}

/** An event with the fields that the page asks for. */
export function event<T extends object>(name: string, fields: T): Event & T {
  const made = new Event(name, { cancelable: true });
  for (const [field, value] of Object.entries(fields)) Object.defineProperty(made, field, { value });
  return made as Event & T;
}
