import { boundedTemplates } from "../../src/app/known-templates.ts";

const template = {
  environment: "production",
  namespace: "orders",
  kind: "Deployment",
  name: "web",
  templateDigest: "sha256:1",
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** A store that answers as told, and how often it was asked. */
function storeThat(wasAdmitted: () => Promise<boolean>) {
  const asked = jest.fn(wasAdmitted);
  const failures: unknown[] = [];
  const templates = boundedTemplates(
    () => ({ wasAdmitted: asked }),
    300,
    (error) => failures.push(error),
  );
  return { asked, failures, ask: () => templates.wasAdmitted(template) };
}

test("what the store says", async () => {
  expect(await storeThat(async () => true).ask()).toBe(true);
  expect(await storeThat(async () => false).ask()).toBe(false);
  expect(
    await boundedTemplates(
      () => null,
      300,
      () => {},
    ).wasAdmitted(template),
  ).toBe(false);
});

test("a store that fails is left alone for a second: nothing is known of the template", async () => {
  const { asked, failures, ask } = storeThat(() => Promise.reject(new Error("down")));
  expect(await ask()).toBe(false);
  expect(await ask()).toBe(false);
  expect([asked.mock.calls.length, failures.length]).toEqual([1, 1]);
  jest.advanceTimersByTime(1_000);
  expect(await ask()).toBe(false);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("a store that does not answer is waited for once, not by every review", async () => {
  const { asked, ask } = storeThat(() => new Promise(() => {}));
  const first = ask();
  jest.advanceTimersByTime(300);
  expect(await first).toBe(false);
  expect(await ask()).toBe(false);
  expect(asked).toHaveBeenCalledTimes(1);
});
