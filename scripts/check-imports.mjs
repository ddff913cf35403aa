// Fails when a room imports a room that the house does not allow it to (see CONTRIBUTING.md).
// The table names direct neighbours; what those may import is allowed too.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

const MAY_IMPORT = {
  errors: [],
  ports: [],
  asn1: [],
  x509: ['asn1'],
  proxy: ['x509'],
  gsi: ['proxy'],
  voms: ['gsi'],
  myproxy: ['gsi'],
  'myproxy/server': ['myproxy', 'voms'],
  registry: ['x509'],
  repository: ['proxy'],
  renewal: ['myproxy', 'voms', 'registry', 'repository', 'config'],
  alerts: ['registry', 'config'],
  agents: [],
  jobs: ['renewal'],
  config: [],
  report: [],
  node: '*',
  library: '*',
  index: '*',
}
/** Open to all rooms. */
const OPEN = ['errors', 'ports']
/** Rooms of which `report` may import types, and nothing else. */
const TYPES_FOR_REPORT = ['renewal', 'alerts', 'agents', 'config', 'registry', 'proxy', 'myproxy']

const root = normalize(join(import.meta.dirname, '..'))
const source = join(root, 'src')
const problems = []

function filesBelow(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) return filesBelow(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

function roomOf(path) {
  const parts = relative(source, path).split('/')
  if (parts.length === 1) return parts[0].replace(/\.(ts|js)$/, '')
  return parts[0] === 'myproxy' && parts[1] === 'server' ? 'myproxy/server' : parts[0]
}

function reachable(room, seen = new Set()) {
  for (const next of MAY_IMPORT[room] ?? []) {
    if (seen.has(next)) continue
    seen.add(next)
    reachable(next, seen)
  }
  return seen
}

/** All relative imports and re-exports of a file, with whether they are for types alone. */
function importsOf(path) {
  const text = readFileSync(path, 'utf8')
  const found = []
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s*)?'(\.[^']*)'|import\(\s*'(\.[^']*)'\s*\)/g
  for (const match of text.matchAll(pattern)) {
    found.push({ target: match[3] ?? match[4], typesOnly: match[2] !== undefined })
  }
  return found
}

function allowed(from, to, typesOnly) {
  if (from === to || OPEN.includes(to)) return true
  if (from === 'node') return to !== 'index' && to !== 'library'
  if (from === 'library') return to !== 'index'
  if (from === 'index') return true
  if (reachable(from).has(to)) return true
  if (from === 'report' && typesOnly) {
    return TYPES_FOR_REPORT.some((room) => room === to || reachable(room).has(to))
  }
  return false
}

const edges = new Map()
for (const path of filesBelow(source)) {
  const room = roomOf(path)
  if (!(room in MAY_IMPORT)) problems.push(`${relative(root, path)}: '${room}' is not a room`)
  edges.set(path, [])
  for (const { target, typesOnly } of importsOf(path)) {
    const resolved = normalize(join(dirname(path), target)).replace(/\.js$/, '.ts')
    if (!typesOnly) edges.get(path).push(resolved)
    const to = roomOf(resolved)
    if (!allowed(room, to, typesOnly)) {
      problems.push(`${relative(root, path)}: '${room}' may not import '${to}' (${target})`)
    }
  }
}

const commands = join(root, 'commands')
for (const path of filesBelow(commands)) {
  for (const { target } of importsOf(path)) {
    const resolved = normalize(join(dirname(path), target))
    if (resolved.startsWith(`${commands}/`) || resolved === join(source, 'index.js')) continue
    problems.push(`${relative(root, path)}: a command imports src/index.ts only (${target})`)
  }
}

// Cycles of run-time imports, each reported once.
const state = new Map()
function visit(path, trail) {
  if (state.get(path) === 'done' || !edges.has(path)) return
  if (state.get(path) === 'open') {
    const cycle = [...trail.slice(trail.indexOf(path)), path].map((p) => relative(root, p))
    problems.push(`cycle: ${cycle.join(' → ')}`)
    return
  }
  state.set(path, 'open')
  for (const next of edges.get(path)) visit(next, [...trail, path])
  state.set(path, 'done')
}
for (const path of edges.keys()) visit(path, [])

for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exit(1)
process.stdout.write(`imports: ${edges.size} files keep to the table\n`)
