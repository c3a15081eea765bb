/**
 * @jest-environment ./test/calendar/zone-environment.cjs
 * @jest-environment-options {"timeZone": "America/New_York"}
 */
import { describeCalendarStates } from "./cases.ts";

describeCalendarStates("America/New_York");
