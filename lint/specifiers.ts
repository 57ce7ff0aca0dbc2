/** A visitor that reports every module named by a file: imports and exports, static, dynamic and in types. */
export function eachSpecifier(
  visit: (specifier: string, node: Deno.lint.Node) => void,
  onUnreadable: (node: Deno.lint.Node) => void = () => {},
): Deno.lint.LintVisitor {
  const visitSource = (source: Deno.lint.Node | null) => {
    if (!source) return;
    const specifier = textOf(source);
    if (specifier === null) onUnreadable(source);
    else visit(specifier, source);
  };
  return {
    ImportDeclaration: (node) => visitSource(node.source),
    ExportNamedDeclaration: (node) => visitSource(node.source),
    ExportAllDeclaration: (node) => visitSource(node.source),
    ImportExpression: (node) => visitSource(node.source),
    TSImportType: (node) =>
      visitSource(node.argument.type === "TSLiteralType" ? node.argument.literal : null),
    TSExternalModuleReference: (node) => visitSource(node.expression),
  };
}

/** The text of a string or of a template without expressions; null when it is neither. */
export function textOf(node: Deno.lint.Node): string | null {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : null;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) {
    return node.quasis.map((part) => part.cooked).join("");
  }
  return null;
}
