import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { readQuery } from "../../src/core/sql/read-query.ts";

beforeAll(loadGrammar);

describe("relations that a query reads", () => {
  test.each([
    ["SELECT * FROM orders WHERE user_id = $1", ["orders"]],
    ["SELECT * FROM sales.orders o JOIN users u ON u.id = o.user_id", ["sales.orders", "users"]],
    ["WITH recent AS (SELECT * FROM orders) SELECT count(*) FROM recent", ["orders", "recent"]],
    ["SELECT (SELECT max(id) FROM audit) FROM orders WHERE EXISTS (SELECT FROM users)", ["audit", "orders", "users"]],
    ["UPDATE orders SET status = $1 WHERE user_id = $2", ["orders"]],
    ["DELETE FROM orders USING users WHERE users.id = user_id", ["orders", "users"]],
    ["INSERT INTO orders (id) VALUES ($1)", []],
    ["INSERT INTO orders SELECT * FROM staging", ["staging"]],
    ["INSERT INTO orders (id) VALUES ($1) ON CONFLICT (id) DO NOTHING", ["orders"]],
    ["DECLARE c CURSOR FOR SELECT * FROM orders", ["orders"]],
    ["COPY (SELECT * FROM orders) TO STDOUT", ["orders"]],
    ["VACUUM ANALYZE orders", []],
    ["CREATE INDEX ON orders (id)", []],
    ["SELECT now() - interval $1", []],
  ])("%s", (sql, expected) => {
    const names = readQuery(sql)?.relations.map(({ schema, name }) => (schema === null ? name : `${schema}.${name}`));
    expect(names?.sort()).toEqual(expected);
  });

  test.each(["SELECT * FROM orders WHERE (user_id = ", "<insufficient privilege>", "SELECT 'a\0b'"])(
    "%j cannot be read",
    (sql) => {
      expect(readQuery(sql)).toBeNull();
    },
  );
});

describe("one query or two", () => {
  test.each([
    ["SELECT * FROM orders WHERE user_id = 10482 LIMIT 20", "select *\n from orders where user_id = $1 limit $2"],
    ["SELECT 1 FROM a WHERE b IN (1, 2, 3)", "SELECT $1 FROM a WHERE b IN ($2, $3)"],
    ["SELECT 1 FROM a WHERE b = 'x'::text", "SELECT $1 FROM a WHERE b = $2::text"],
  ])("one: %s", (a, b) => {
    expect(readQuery(a)?.fingerprint).toBe(readQuery(b)?.fingerprint);
  });

  test.each([
    ["SELECT * FROM orders WHERE user_id = 1", "SELECT * FROM orders WHERE status = 1"],
    ["SELECT * FROM orders WHERE user_id = 1", "SELECT * FROM orders WHERE user_id > 1"],
    ["SELECT * FROM orders LIMIT 1", "SELECT * FROM orders OFFSET 1"],
  ])("two: %s", (a, b) => {
    expect(readQuery(a)?.fingerprint).not.toBe(readQuery(b)?.fingerprint);
  });
});
