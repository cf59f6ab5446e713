// Settings and parameters of one statement as SQL. Values are never trusted: each becomes a string literal.

/** `SET log_comment = 'id', max_threads = '1', param_x = '…'`; names that are no identifiers are refused. */
export function setStatement(
  id: string,
  settings: ReadonlyMap<string, string>,
  params: ReadonlyMap<string, string>,
): string {
  const parts = [`log_comment = ${literal(id)}`]
  for (const [name, value] of settings) parts.push(`${identifier(name)} = ${literal(value)}`)
  for (const [name, value] of params) parts.push(`param_${identifier(name)} = ${literal(value)}`)
  return `SET ${parts.join(', ')}`
}

/** A string literal of ClickHouse's SQL. */
export function literal(text: string): string {
  return `'${text.replace(/[\\'\0]/g, (char) => (char === '\0' ? '\\0' : `\\${char}`))}'`
}

/** The name in backquotes, for columns and tables. */
export function quoted(name: string): string {
  return `\`${name.replace(/[\\`]/g, (char) => `\\${char}`)}\``
}

function identifier(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new RangeError(`not a name: ${JSON.stringify(name)}`)
  return name
}
