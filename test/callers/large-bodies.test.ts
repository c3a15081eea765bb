import { openAuthenticator } from "../../src/adapters/callers/authenticator.ts";
import { caller, secrets, signedHeaders } from "./world.ts";

const at = new Date("2026-03-11T12:00:00Z");
const keys = Array.from({ length: 20 }, (_, index) => Buffer.from(`secret number ${index} ${"-".repeat(20)}`));
const authenticator = openAuthenticator(
  keys.map((key, index) => caller(`team-${index}`, secrets(key))),
  { now: () => at },
);

const ask = (size: number, named: string | null) => {
  const body = Buffer.alloc(size, "x");
  const signed = signedHeaders(body, { key: keys[19] ?? Buffer.alloc(0), timestamp: at.getTime() / 1000 });
  const headers = new Map(Object.entries({ ...signed, ...(named !== null && { "plangate-caller": named }) }));
  return authenticator.authenticate({
    headers: (name) => [headers.get(name) ?? []].flat(),
    body: async () => body,
  });
};

test("a small body: the caller is the one whose secret fits, among twenty", async () => {
  expect(await ask(1024, null)).toMatchObject({ name: "team-19" });
});

test("a large body is not hashed twenty times for somebody unknown: the caller is named", async () => {
  await expect(ask(4 * 1024 * 1024, null)).rejects.toMatchObject({
    code: "not-authenticated",
    message: expect.stringContaining("plangate-caller"),
  });
  expect(await ask(4 * 1024 * 1024, "team-19")).toMatchObject({ name: "team-19" });
  await expect(ask(4 * 1024 * 1024, "team-0")).rejects.toMatchObject({ code: "not-authenticated" });
});
