/** A validated query string: what Ajv left of it. */
export type Query = Readonly<Record<string, unknown>>
