// What tidy.test.ts enforces, as data.

const everything = [
  'agent',
  'api',
  'api/contract',
  'central',
  'cli',
  'common',
  'kernel',
  'store',
  'wire',
]

/** Folder → folders whose mod.ts it may import; `?` = by a type or a dynamic import() alone. */
export const edges: Readonly<Record<string, readonly string[]>> = {
  common: [],
  'common/time': [],
  'common/number': [],
  wire: ['common'],
  kernel: ['common'],
  agent: ['kernel', 'wire', 'common'],
  store: ['wire', 'common'],
  'api/contract': ['wire', 'common'],
  'api/contract/pages': [],
  api: ['api/contract', 'api/contract/pages', 'store', 'wire', 'common', 'common/number'],
  central: ['api', 'api/contract', 'store', 'wire', 'common'],
  web: ['api/contract?', 'api/contract/pages', 'common/number', 'common/time'],
  cli: ['api/contract', 'wire', 'common', 'common/number', 'agent?', 'central?'],
  test: [...everything, 'bench', 'tools'],
  bench: [...everything, 'test'],
  tools: everything,
}

/** npm packages by folder; tests and what they share may use fast-check as well. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  common: ['pino', 'yaml'],
  kernel: ['koffi'],
  wire: ['re2js'],
  store: ['@clickhouse/client', 'chdb'],
  central: [
    'pg',
    'pg-copy-streams',
    '@nats-io/jetstream',
    '@nats-io/transport-node',
    '@platformatic/kafka',
  ],
  bench: ['@opentelemetry/otlp-transformer'],
  'api/contract': ['typebox'],
  api: [
    '@fastify/static',
    '@fastify/swagger',
    '@fastify/swagger-ui',
    '@seriousme/openapi-schema-validator',
    'ajv',
    'apache-arrow',
    'fastify',
    'hyparquet',
    'typebox',
  ],
  web: ['preact', 'uplot', 'vite'],
  test: ['playwright-core'],
}

/** Where the environment is read: entries, and where it is handed to a child. */
export const environment =
  /^(?:cli\/(?:main|supervisor\/supervisor)|store\/worker-process|(?:agent|central|store\/worker)\/main)\.ts$/
