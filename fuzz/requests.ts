import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { signMessage } from "../src/adapters/callers/standard-webhooks.ts";

export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** Texts that have broken parsers before, beside random ones. */
const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "orders",
    "production",
    "\0",
    "\ufeff",
    "DROP INDEX CONCURRENTLY idx_orders_user_id;",
    "DO $$ BEGIN EXECUTE 'x'; END $$;",
    "SELECT ((((((((((1))))))))));",
    "2026-03-13T16:47:00-04:00",
    "999999d",
    "eyJhbGciOiJub25lIn0.e30.",
  ),
);
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    texts,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(texts, tie("value"), { maxKeys: 4 }),
  ),
})).value;

const usually = <Value>(valid: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 25, arbitrary: valid }, { weight: 1, arbitrary: values });

/** Deploy requests in which most keys hold what belongs there. */
const requests = fc.record(
  {
    service: usually(fc.constant("orders")),
    environment: usually(fc.constant("production")),
    action: usually(fc.constantFrom("deploy", "rollback")),
    commit: usually(fc.constantFrom("9f1c2e7", "b7e41d0")),
    database: usually(fc.constant("orders")),
    expectedDuration: usually(fc.constant("10m")),
    migrations: usually(fc.array(fc.record({ path: fc.constantFrom("a.sql", "b.sql"), sql: texts }), { maxLength: 3 })),
    evidence: usually(fc.constant([])),
    approvals: usually(fc.array(texts, { maxLength: 2 })),
    overrides: usually(fc.array(texts, { maxLength: 2 })),
  },
  { requiredKeys: ["service", "environment"] },
);

const bodies = fc.oneof(
  { weight: 6, arbitrary: requests.map((request) => JSON.stringify(request)) },
  { weight: 2, arbitrary: values.map((value) => JSON.stringify(value) ?? "") },
  {
    weight: 2,
    arbitrary: fc.tuple(requests, fc.nat(400)).map(([request, at]) => JSON.stringify(request).slice(0, at)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);

const routes = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom<[string, string]>(["POST", "/v1/decisions"], ["POST", "/v1/decisions?mode=json"]),
  },
  { weight: 1, arbitrary: fc.constant<[string, string]>(["POST", "/v1/evidence?database=orders"]) },
  {
    weight: 1,
    arbitrary: fc.webQueryParameters().map<[string, string]>((query) => ["GET", `/v1/decisions?${query}`]),
  },
);

/** Header values as HTTP allows them: printable ASCII. */
const headerText = fc.string({ unit: "grapheme-ascii", maxLength: 60 });
const headers = fc.record(
  {
    "content-type": fc.oneof({ weight: 8, arbitrary: fc.constant("application/json") }, headerText),
    "idempotency-key": headerText,
    authorization: fc.oneof(
      headerText,
      headerText.map((text) => `Bearer ${text}`),
    ),
    "webhook-id": headerText,
    "webhook-timestamp": headerText,
    "webhook-signature": fc.oneof(
      headerText,
      fc.base64String({ maxLength: 44 }).map((text) => `v1,${text}`),
    ),
  },
  { requiredKeys: ["content-type"] },
);

/** Endless random requests; most carry a signature that holds, so that they get past the door. */
export function* randomRequests(secret: Buffer, seed: number): Generator<Sent> {
  const arbitrary = fc.record({ route: routes, headers, body: bodies, signed: fc.integer({ min: 0, max: 9 }) });
  for (const { route, headers: given, body: text, signed } of fc.sample(arbitrary, { numRuns: 500, seed })) {
    const [method, path] = route;
    const body = Buffer.from(method === "GET" ? "" : text, "utf8");
    const unsigned = { ...given };
    const proof = signed === 0 ? {} : signMessage(secret, randomUUID(), new Date(), body);
    if (signed > 0) for (const name of ["authorization", "idempotency-key"] as const) delete unsigned[name];
    yield { method, path, headers: { ...unsigned, ...proof }, body };
  }
}
