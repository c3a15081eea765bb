import type { ICalendar } from "./icalendar/model.ts";

export const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export type Weekday = (typeof weekdays)[number];

/** Minutes after local midnight: 0..1440 (1440 = "24:00", only as `to`). */
export type LocalMinute = number;

export interface RecurringWindow {
  kind: "recurring";
  /** Absent in YAML: all seven. */
  days: readonly Weekday[];
  from: LocalMinute;
  /** Exclusive. Less than `from`: crosses midnight and belongs to the day it opens on. Never equal to `from`. */
  to: LocalMinute;
  reason: string | null;
}

export interface OneOffWindow {
  kind: "one-off";
  /** Wall clock without a zone, "2026-01-10T09:00:00". Inclusive local dates become "<date>T00:00:00" and "<day after>T00:00:00". */
  from: string;
  /** Exclusive. */
  to: string;
  reason: string | null;
  /** As written, for messages: "2026-12-24 to 2027-01-01". */
  label: string;
}

export interface CalendarWindow {
  kind: "calendar";
  /** As written in the policy. */
  path: string;
  calendar: ICalendar;
  reason: string | null;
}

export type FreezeWindow = RecurringWindow | OneOffWindow | CalendarWindow;

export interface ChangeWindow {
  /** IANA name. */
  timeZone: string;
  /** null: open except freezes. An empty list never opens. */
  allow: readonly (RecurringWindow | OneOffWindow)[] | null;
  freeze: readonly FreezeWindow[];
  /** 0: the policy demands none. */
  expectedDurationMs: number;
}

export interface CalendarPolicy {
  /** Policy id. */
  policy: string;
  changeWindow: ChangeWindow;
}
