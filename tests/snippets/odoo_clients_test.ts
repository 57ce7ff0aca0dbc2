import assert from "node:assert/strict";
import { type OdooSimulator, startOdoo } from "../../simulators/odoo/odoo.ts";
import {
  methodCall,
  methodResponse,
  XmlRpcFault,
} from "../../supabase/functions/_shared/providers/odoo/xml_rpc.ts";

/** Reads through Debian's python3-odoorpc, which speaks Odoo's JSON-RPC. */
const ODOORPC = `
import json, sys
import odoorpc

given = json.load(sys.stdin)
odoo = odoorpc.ODOO("127.0.0.1", port=given["port"])
try:
    odoo.login(given["db"], given["login"], "wrong")
    refused = False
except odoorpc.error.RPCError:
    refused = True
odoo.login(given["db"], given["login"], given["key"])
Employee = odoo.env["hr.employee"].with_context(active_test=False)
Department = odoo.env["hr.department"]
employees = Employee.browse(Employee.search([], order="id asc"))
departments = Department.search_read([], ["complete_name", "parent_id"])
try:
    odoo.execute("hr.employee", "search_read", [["no_such_field", "=", 1]])
    fault = None
except odoorpc.error.RPCError as error:
    fault = str(error)
print(json.dumps({
    "version": odoo.version,
    "refused": refused,
    "employees": [[e.id, e.name, e.department_id.id if e.department_id else None, e.active] for e in employees],
    "departments": [[d["id"], d["complete_name"], d["parent_id"] and d["parent_id"][0]] for d in departments],
    "fault": fault,
}))
`;

/** Reads through the XML-RPC client of Python's own library, the one in Odoo's documentation. */
const XMLRPC = `
import json, sys, xmlrpc.client

given = json.load(sys.stdin)
url, db, login, key = given["url"], given["db"], given["login"], given["key"]
common = xmlrpc.client.ServerProxy(url + "/xmlrpc/2/common")
models = xmlrpc.client.ServerProxy(url + "/xmlrpc/2/object")
uid = common.authenticate(db, login, key, {})
def ask(model, method, positional, named):
    return models.execute_kw(db, uid, key, model, method, positional, named)
def fault(*args):
    try:
        models.execute_kw(*args)
    except xmlrpc.client.Fault as error:
        return [error.faultCode, error.faultString]
print(json.dumps({
    "version": common.version()["server_version"],
    "wrong": common.authenticate(db, login, "wrong", {}),
    "count": ask("hr.employee", "search_count", [[]], {}),
    "employees": ask("hr.employee", "search_read", [[["active", "in", [True, False]]]],
        {"fields": ["name", "department_id", "work_phone", "active"], "order": "id asc"}),
    "departments": ask("hr.department", "search_read", [[]], {"fields": ["complete_name"]}),
    "read": ask("hr.department", "read", [[2]], {"fields": ["parent_id"]}),
    "fields": ask("hr.employee", "fields_get", [], {"attributes": ["type"]})["department_id"],
    "denied": fault(db, uid, "wrong", "hr.employee", "search", [[]]),
    "failed": fault(db, uid, key, "hr.employee", "search", [[["no_such_field", "=", 1]]])[0],
}))
`;

/** What Python's library makes of calls that we write, and answers that it writes. */
const CODEC = `
import json, sys, xmlrpc.client

given = json.load(sys.stdin)
params, method = xmlrpc.client.loads(given["call"])
print(json.dumps({
    "method": method,
    "params": list(params),
    "answer": xmlrpc.client.dumps((given["value"],), methodresponse=True),
    "fault": xmlrpc.client.dumps(xmlrpc.client.Fault(2, "No & <never>")),
}))
`;

/** Runs on Debian's own Python, for which Debian's packages are. */
async function python(code: string, input: unknown) {
  const process = new Deno.Command("/usr/bin/python3", {
    args: ["-c", code],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(input)));
  await writer.close();
  const { success, stdout, stderr } = await process.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** An Odoo with a small hierarchy, two employees at work and an archived one. */
async function withCompany(
  test: (odoo: OdooSimulator, access: Record<string, unknown>) => Promise<void>,
): Promise<void> {
  const odoo = startOdoo({ major: 17 });
  try {
    odoo.addUser({ login: "ann@acme.example", keys: [{ key: "the-key", expiresAtMs: null }] });
    const { database } = odoo;
    const root = database.create("hr.department", { name: "R&D" });
    database.create("hr.department", { name: "Looms <2>", parent_id: root });
    database.create("hr.employee", { name: "Sara Ali", department_id: 2 });
    database.create("hr.employee", { name: "Omär & Söhne" });
    database.create("hr.employee", { name: "Gone", active: false });
    const port = Number(new URL(odoo.url).port);
    await test(odoo, {
      url: odoo.url,
      port,
      db: odoo.databaseName,
      login: "ann@acme.example",
      key: "the-key",
    });
  } finally {
    await odoo.stop();
  }
}

Deno.test("ODOO: Debian's odoorpc logs in to the server that the connector is tried with, and reads it", async () => {
  await withCompany(async (_, access) => {
    const { fault, ...told } = await python(ODOORPC, access);
    assert.deepEqual(told, {
      version: "17.0",
      refused: true,
      employees: [[1, "Sara Ali", 2, true], [2, "Omär & Söhne", null, true], [3, "Gone", null, false]],
      departments: [[1, "R&D", false], [2, "R&D / Looms <2>", 1]],
    });
    assert.match(fault, /Invalid field hr\.employee\.no_such_field/);
  });
});

Deno.test("ODOO: Python's XML-RPC client reads it as Odoo's documentation shows", async () => {
  await withCompany(async (_, access) => {
    const { denied, failed, ...told } = await python(XMLRPC, access);
    const employee = (id: number, name: string, department: unknown, active: boolean) => ({
      ...{ id, name, department_id: department, work_phone: false, active },
    });
    assert.deepEqual(told, {
      version: "17.0",
      wrong: false,
      count: 2,
      employees: [
        employee(1, "Sara Ali", [2, "R&D / Looms <2>"], true),
        employee(2, "Omär & Söhne", false, true),
        employee(3, "Gone", false, false),
      ],
      departments: [{ id: 1, complete_name: "R&D" }, { id: 2, complete_name: "R&D / Looms <2>" }],
      read: [{ id: 2, parent_id: [1, "R&D"] }],
      fields: { type: "many2one" },
    });
    assert.deepEqual(denied, [3, "Access Denied"]);
    assert.equal(failed, 1);
  });
});

Deno.test("ODOO: Python's library reads our calls as they were meant, and we its answers", async () => {
  const params = ["db & <1>", 7, "k\"'y", true, [["name", "=", "]]>&amp;\n"], []], {
    a: {},
    "b<": [false],
    "Ä": "ß€",
  }];
  const value = [{ id: 1, "Ä&": "x<y]]>", none: false, deep: [[], {}, [1.5, -3, "\t spaced "]] }];
  const call = new TextDecoder().decode(methodCall("execute_kw", params));
  const told = await python(CODEC, { call, value });
  assert.deepEqual([told.method, told.params], ["execute_kw", params]);
  assert.deepEqual(methodResponse(told.answer), value);
  assert.throws(
    () => methodResponse(told.fault),
    (error: unknown) =>
      error instanceof XmlRpcFault && error.faultCode === 2 && error.faultString === "No & <never>",
  );
});
