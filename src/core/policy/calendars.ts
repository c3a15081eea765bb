import { type ICalendar, ICalendarError, parseICalendar } from "../calendar/icalendar.ts";
import type { DocumentIssue, SourceFile } from "./document-error.ts";
import { decodeUtf8, printable, quoted } from "./document-error.ts";
import { resolveFrom } from "./relative-path.ts";
import { didYouMean } from "./suggest.ts";

/** The .ics files of a policy directory, each read once however many policies name it. */
export class CalendarFiles {
  readonly #files: ReadonlyMap<string, SourceFile>;
  readonly #display: (path: string) => string;
  readonly #read = new Map<string, ICalendar | null>();
  /** What is wrong with the calendars that were asked for. */
  readonly issues: DocumentIssue[] = [];

  constructor(files: readonly SourceFile[], display: (path: string) => string) {
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.#display = display;
  }

  /** `reference` as the policy at `policyPath` writes it. A calendar that cannot be read is null, and in `issues`. */
  find(policyPath: string, reference: string): { calendar: ICalendar | null } | { problem: string } {
    const path = resolveInside(policyPath, reference);
    if (path === null) return { problem: `${quoted(reference)} must be a relative path inside the policy directory` };
    const file = this.#files.get(path);
    if (file === undefined) {
      const known = [...this.#files.keys()];
      const what =
        known.length === 0 ? "the policy directory has none" : `there are: ${known.map(printable).join(", ")}`;
      const suggestion = didYouMean(path, known);
      return { problem: `there is no calendar file ${quoted(path)}${suggestion === "" ? ";" : suggestion} ${what}` };
    }
    const known = this.#read.get(path);
    if (known !== undefined) return { calendar: known };
    const calendar = this.#parse(file);
    this.#read.set(path, calendar);
    return { calendar };
  }

  #parse(file: SourceFile): ICalendar | null {
    const path = this.#display(file.path);
    const fail = (line: number, message: string): null => {
      this.issues.push({ path, line, column: 1, key: null, message: printable(message) });
      return null;
    };
    const text = typeof file.content === "string" ? file.content : decodeUtf8(file.content);
    if (text === null) return fail(1, "the calendar is not UTF-8 text");
    try {
      return parseICalendar(text, path);
    } catch (error) {
      if (!(error instanceof ICalendarError)) throw error;
      return fail(
        error.line ?? 1,
        error.message.replace(`${path}${error.line === null ? "" : `:${error.line}`}: `, ""),
      );
    }
  }
}

/** "holidays/us.ics" seen from "team/policy.yaml" → "team/holidays/us.ics"; null when it leads out of the directory. */
function resolveInside(from: string, reference: string): string | null {
  if (reference.startsWith("/") || reference.includes("\\") || /^[A-Za-z]:/.test(reference)) return null;
  const path = resolveFrom(from, reference);
  return path.startsWith("../") || path === ".." ? null : path;
}
