/** A function without any import: what the process that carries a function costs. */
export default { fetch: (): Response => new Response("ok") };
