/**
 * @jest-environment ./test/calendar/zone-environment.cjs
 * @jest-environment-options {"timeZone": "UTC"}
 */
import { describeCalendarStates } from "./cases.ts";

describeCalendarStates("UTC");
