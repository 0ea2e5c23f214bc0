/** Building the page: every text goes in as text, never as markup. */
type Attributes = Record<string, string | number | boolean | EventListener | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const ICONS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  loop: "M7 7h9.5a3.5 3.5 0 0 1 3.5 3.5V12M17 17H7.5a3.5 3.5 0 0 1-3.5-3.5V12M10 4 7 7l3 3M14 14l3 3-3 3",
  branch: "M4 19c6 0 6-7 9-9s5-2 7-2M13 10c2 2 3 6 7 7M17 5l3 3-3 3",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4",
  theme: "M12 3.5a8.5 8.5 0 1 0 0 17zM12 3.5a8.5 8.5 0 0 1 0 17",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  help: "M9 9.2a3 3 0 1 1 4.6 2.6c-1 .7-1.6 1.2-1.6 2.4M12 17.6v.2",
  reset: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5",
  turn: "M20 12c0 2-3.6 3.5-8 3.5S4 14 4 12s3.6-3.5 8-3.5c1.6 0 3 .2 4.3.5M14 6.5l2.7 2.5L14 11.5",
} as const;

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): SVGElement {
  const filled = name === "play" || name === "pause";
  return svg(
    "svg",
    { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", class: filled ? "filled" : "drawn" },
    svg("path", { d: ICONS[name] }),
  );
}

export function iconButton(name: Icon, label: string, key: string, press: () => void): HTMLButtonElement {
  const shown = key ? `${label} (${key})` : label;
  return h("button", { type: "button", class: "icon", "aria-label": label, title: shown, click: press }, icon(name));
}

export function setIcon(button: HTMLButtonElement, name: Icon, label: string, key: string): void {
  button.replaceChildren(icon(name));
  button.setAttribute("aria-label", label);
  button.title = `${label} (${key})`;
}
