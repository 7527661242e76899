/*
 * Which file may import which, types included. The lists are the architecture: one array for each package, top to
 * bottom, and a file imports only from entries below its own. `checks/test/layers.test.ts` proves on small trees
 * that each rule still finds what it is for.
 *
 * An entry is a folder or a file (`options` stands for `options/` and `options.ts`). Entries in one inner array are
 * on one level and do not know each other. Everything in `src` has to be listed.
 */
const { join } = require('node:path')

const LAYERS = {
  protocol: [['index', 'msgpackr'], 'frame', 'values', 'names', 'events', 'types', 'errors', 'version', 'tables'],
  client: [
    'standalone',
    ['browser', 'node'],
    'client',
    'manager',
    'socket',
    ['people', 'rooms'],
    'connection',
    'inbound',
    'outbound',
    'transport',
  ],
  server: [
    ['index', 'login'],
    'server',
    'transport',
    'ingress',
    'dispatch',
    'api',
    'people',
    'delivery',
    'egress',
    'cluster',
    'rooms',
    'connection',
  ],
}

/**
 * Everyone in the package may import these. They import no other part of it but the leaves after them, and no npm
 * package but the protocol.
 */
const LEAVES = { protocol: [], client: ['options', 'tables'], server: ['options', 'observe'] }

/** Packages of this repository that a package may import, each through its door. */
const SISTERS = { protocol: [], client: ['protocol'], server: ['protocol'] }

const ENGINE = '(^|node_modules/)(uws-pack|uWebSockets\\.js)(/|$)'

const source = (pkg) => `^packages/${pkg}/src/`
const part = (pkg, entry) => `${source(pkg)}${entry}(/|\\.ts$)`
const asLevel = (entry) => (Array.isArray(entry) ? entry : [entry])

/** A layer imports nothing that stands above it, or beside it. */
function upwardRules(pkg) {
  const levels = LAYERS[pkg].map(asLevel)
  return levels.flatMap((level, depth) =>
    level.map((entry) => {
      const above = levels.slice(0, depth).flat()
      const beside = level.filter((other) => other !== entry)
      return {
        name: `upward/${pkg}/${entry}`,
        comment: `${entry} imports only from what is below it: ${levels.slice(depth + 1).join(', ')}`,
        severity: 'error',
        from: { path: part(pkg, entry) },
        to: { path: [...above, ...beside].map((other) => part(pkg, other)) },
      }
    }),
  )
}

function leafRules(pkg) {
  return LEAVES[pkg].flatMap((leaf, depth) => [
    {
      name: `leaf/${pkg}/${leaf}`,
      comment: `${leaf} is a leaf: it imports no other part of the package, or only leaves below it`,
      severity: 'error',
      from: { path: part(pkg, leaf) },
      to: { path: source(pkg), pathNot: LEAVES[pkg].slice(depth).map((lower) => part(pkg, lower)) },
    },
    {
      name: `leaf-npm/${pkg}/${leaf}`,
      comment: `${leaf} is a leaf: the protocol is the only package it imports`,
      severity: 'error',
      from: { path: part(pkg, leaf) },
      to: { path: 'node_modules/', pathNot: 'node_modules/@roomcast/protocol/' },
    },
  ])
}

/** A file that no list names would be outside every rule. */
function unlistedRules(pkg) {
  const listed = [...LAYERS[pkg].flat(), ...LEAVES[pkg]].map((entry) => part(pkg, entry))
  const unlisted = { path: source(pkg), pathNot: listed }
  const comment = 'every part of src has its place in the lists of .dependency-cruiser.cjs'
  return [
    { name: `unlisted/${pkg}/from`, comment, severity: 'error', from: unlisted, to: {} },
    { name: `unlisted/${pkg}/to`, comment, severity: 'error', from: {}, to: unlisted },
  ]
}

function sisterRules(pkg) {
  const strangers = Object.keys(LAYERS).filter((other) => other !== pkg && !SISTERS[pkg].includes(other))
  const rules = [
    {
      name: `sister-door/${pkg}`,
      comment: 'a sister package is imported through its door, as users do',
      severity: 'error',
      from: { path: source(pkg) },
      to: { path: SISTERS[pkg].map((other) => `^packages/${other}/`), pathNot: DOORS },
    },
    {
      name: `stranger/${pkg}`,
      comment: `${pkg} does not know ${strangers.join(' or ')}`,
      severity: 'error',
      from: { path: source(pkg) },
      to: { path: strangers.map((other) => `^packages/${other}/`) },
    },
  ]
  // An empty list would match everything.
  return rules.filter((rule) => rule.to.path.length > 0)
}

const DOORS = ['^packages/protocol/src/(index|msgpackr)\\.ts$', '^packages/[^/]+/dist/']

const platformRules = [
  {
    name: 'engine-outside-transport',
    comment: 'only the transport of the server knows uWebSockets.js',
    severity: 'error',
    // Tests may give the engine as the option `uws`.
    from: { path: '^packages/[^/]+/src/', pathNot: part('server', 'transport') },
    to: { path: ENGINE },
  },
  {
    name: 'protocol-without-node',
    comment: 'the protocol also runs in browsers',
    severity: 'error',
    from: { path: source('protocol') },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'protocol-door-without-msgpackr',
    comment: 'msgpackr alone is larger than the budget of the client: only its own entry brings it in',
    severity: 'error',
    from: { path: part('protocol', 'index') },
    to: { path: '(^|node_modules/)msgpackr(/|$)', reachable: true },
  },
  {
    name: 'client-without-node',
    comment: 'what only Node.js has comes in through node.ts',
    severity: 'error',
    from: { path: source('client'), pathNot: part('client', 'node') },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'client-browser-without-ws',
    comment: 'browsers bring their own WebSocket',
    severity: 'error',
    from: { path: source('client'), pathNot: part('client', 'node') },
    to: { path: '(^|node_modules/)ws(/|$)' },
  },
]

module.exports = {
  forbidden: [
    {
      name: 'cycle',
      comment: 'neither file of a cycle can be read alone, even if it is made of types',
      severity: 'error',
      from: { path: '^packages/' },
      to: { circular: true },
    },
    {
      name: 'unresolved',
      comment: 'an import that leads nowhere; the optional engine need not be installed',
      severity: 'error',
      from: { path: '^packages/' },
      to: { couldNotResolve: true, pathNot: '^uWebSockets\\.js$' },
    },
    ...Object.keys(LAYERS).flatMap((pkg) => [
      ...upwardRules(pkg).filter((rule) => rule.to.path.length > 0),
      ...leafRules(pkg),
      ...unlistedRules(pkg),
      ...sisterRules(pkg),
    ]),
    ...platformRules,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: join(__dirname, 'tsconfig.json') },
    doNotFollow: { path: ['node_modules', '/dist/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
