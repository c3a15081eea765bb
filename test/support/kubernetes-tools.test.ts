import { helm, kubectl, outputOf } from "./kubernetes-tools.ts";

test("helm and kubectl run", async () => {
  expect(await outputOf(helm(["version", "--short"]))).toMatch(/^v4\./);
  expect(await outputOf(kubectl(["version", "--client"]))).toMatch(/Client Version: v1\.34/);
});

test("no cluster of this machine is touched", async () => {
  const { status, stderr } = await kubectl(["get", "pods", "--request-timeout=1s"]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/cluster\.invalid/);
});
