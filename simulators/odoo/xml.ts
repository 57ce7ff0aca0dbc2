import { XMLParser, XMLValidator } from "fast-xml-parser";
import type { Told } from "./values.ts";

/** A call as it came. */
export interface MethodCall {
  method: string;
  params: unknown[];
}

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: true,
});

/** A node of the parser: its name as the one key beside ":@". */
type Node = Record<string, Node[] | string>;

/**
 * Reads a call, as strictly as Python's `xmlrpc.client.loads`.
 *
 * @throws {TypeError} when it is none.
 */
export function readMethodCall(xml: string): MethodCall {
  if (XMLValidator.validate(xml) !== true) throw new TypeError("The call is not well-formed");
  const root = childrenOf(parser.parse(xml), "methodCall");
  const params = optionalChild(root, "params") ?? [];
  return {
    method: textOf(childrenOf(root, "methodName")),
    params: elements(params).map(([, children]) => valueOf(childrenOf(children, "value"))),
  };
}

function elements(nodes: Node[]): [string, Node[]][] {
  return nodes.flatMap((node) => {
    const name = Object.keys(node).find((key) => key !== ":@" && key !== "#text" && !key.startsWith("?"));
    return name === undefined ? [] : [[name, node[name] as Node[]] as [string, Node[]]];
  });
}

function optionalChild(nodes: Node[], name: string): Node[] | undefined {
  return elements(nodes).find(([found]) => found === name)?.[1];
}

function childrenOf(nodes: Node[], name: string): Node[] {
  const found = optionalChild(nodes, name);
  if (!found) throw new TypeError(`There is no <${name}>`);
  return found;
}

const textOf = (nodes: Node[]) => nodes.map((node) => node["#text"] ?? "").join("");

function valueOf(nodes: Node[]): unknown {
  const [typed] = elements(nodes);
  if (!typed) return textOf(nodes);
  const [type, children] = typed;
  switch (type) {
    case "string":
      return textOf(children);
    case "int":
    case "i4": {
      const text = textOf(children);
      if (!/^[+-]?\d+$/.test(text)) throw new TypeError(`Invalid literal for int(): ${text}`);
      return Number(text);
    }
    case "double":
      return Number(textOf(children));
    case "boolean": {
      const text = textOf(children);
      if (text !== "0" && text !== "1") throw new TypeError("Bad boolean value");
      return text === "1";
    }
    case "array":
      return elements(childrenOf(children, "data")).map(([, value]) => valueOf(value));
    case "struct":
      return Object.fromEntries(
        elements(children).map(([, member]) => [
          textOf(childrenOf(member, "name")),
          valueOf(childrenOf(member, "value")),
        ]),
      );
    default:
      throw new TypeError(`Unknown type ${type}`);
  }
}

/** Without what XML 1.0 forbids, as Odoo's marshaller writes text; escaped as Python escapes. */
function escaped(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what has to go
  return text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function write(value: Told, out: string[]): void {
  if (typeof value === "string") out.push("<value><string>", escaped(value), "</string></value>\n");
  else if (typeof value === "boolean") out.push(`<value><boolean>${value ? 1 : 0}</boolean></value>\n`);
  else if (typeof value === "number") {
    out.push(
      Number.isInteger(value)
        ? `<value><int>${value}</int></value>\n`
        : `<value><double>${value}</double></value>\n`,
    );
  } else if (Array.isArray(value)) {
    out.push("<value><array><data>\n");
    for (const item of value) write(item, out);
    out.push("</data></array></value>\n");
  } else {
    out.push("<value><struct>\n");
    for (const [name, member] of Object.entries(value)) {
      out.push("<member>\n<name>", escaped(name), "</name>\n");
      write(member, out);
      out.push("</member>\n");
    }
    out.push("</struct></value>\n");
  }
}

/** A good answer, byte for byte as Odoo's marshaller (that of Python) writes it: there is no `<nil/>`. */
export function methodResponse(value: Told): string {
  const out = ['<?xml version="1.0"?>\n<methodResponse>\n<params>\n<param>\n'];
  write(value, out);
  out.push("</param>\n</params>\n\n</methodResponse>\n");
  return out.join("");
}

/** A fault, which comes with status 200 as well. */
export function faultResponse(faultCode: number, faultString: string): string {
  const out = ['<?xml version="1.0"?>\n<methodResponse>\n<fault>\n'];
  write({ faultCode, faultString }, out);
  out.push("</fault>\n\n</methodResponse>\n");
  return out.join("");
}
