/**
 * @jest-environment ./test/calendar/zone-environment.cjs
 * @jest-environment-options {"timeZone": "Australia/Lord_Howe"}
 */
import { describeCalendarStates } from "./cases.ts";

describeCalendarStates("Australia/Lord_Howe");
