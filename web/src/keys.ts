/** The keyboard: what each key does, for the page and for its help. */
export interface Command {
  readonly keys: readonly string[];
  /** As the help shows them. */
  readonly shown: string;
  readonly does: string;
  /** Whether holding the keys does it again and again. */
  readonly repeats?: boolean;
  run(event: KeyboardEvent): void;
}

const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);
const PRESSED = new Set(["BUTTON", "SUMMARY", "INPUT"]); // by space; of fields only boxes to tick come so far

export function listen(commands: readonly Command[]): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (event.key !== "Escape" && FIELDS.has(target.tagName) && (target as HTMLInputElement).type !== "checkbox") return;
    if ((event.key === " " || event.key === "Enter") && PRESSED.has(target.tagName)) return;
    const command = commands.find((one) => one.keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || command.repeats) command.run(event);
  });
}
