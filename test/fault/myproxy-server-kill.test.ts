/** `kill -9` of the whole MyProxy server in the middle of each command, and what the next one finds. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  requestChangePassPhrase,
  requestDestroy,
  requestGet,
  requestInfo,
  requestPut,
  requestRetrieval,
  requestStore,
} from '../../src/myproxy/client.js'
import { openStoredCredential } from '../../src/myproxy/server/store/stored-credential.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { bundleScript } from '../support/bundled-script.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'

const HOUR = 3600
const DEADLINE_MS = 60_000
const POLICY = 'authorized_key_retrievers "*"\n'
const [OLD, NEW] = ['the old secret', 'the new secret']

/**
 * Calls of the system before which the server dies. Each single one is walked through in the tests of
 * the store; here all of the server dies, and its client is there to see.
 */
const STEPS = [1, 7, 14, 21, 28]
/** Where each time costs several derivations of a key. */
const FEW_STEPS = [1, 16]
/** What only reads makes few calls. */
const READING_STEPS = [2]

/** Served by the one that survives, which has the same directory as all that are killed. */
let grid: EmbeddedGrid
let script: string
let configuration: string

beforeAll(async () => {
  grid = await startEmbeddedGrid({ config: POLICY })
  script = await bundleScript('myproxy-server-in-process.ts', grid.directory)
  configuration = join(grid.directory, 'killed.config')
  const lines = ['accepted_credentials "*"', 'authorized_retrievers "*"', POLICY]
  await writeFile(configuration, lines.join('\n'))
})
afterAll(() => grid.stop())

type Servers = { host: string; port: number }[]
type Command = (servers: Servers) => Promise<unknown>

const alice = () => grid.users.alice.credential
const common = (servers: Servers) => ({ servers, username: 'alice', credential: alice() })

const put =
  (description: string, passPhrase = ''): Command =>
  (servers) =>
    requestPut(grid.myproxy, {
      ...common(servers),
      ...{ description, passPhrase, storedSeconds: 24 * HOUR, lifetimeSeconds: HOUR },
      random: systemRandom,
    })

const store: Command = (servers) =>
  requestStore(grid.myproxy, {
    ...common(servers),
    ...{ description: 'new', lifetimeSeconds: HOUR },
    stored: {
      certificatesPem: alice()
        .chain.map(({ der }) => encodePem('CERTIFICATE', der))
        .join(''),
      keyPem: encodePrivateKey(alice().privateKey),
    },
  })

/** What lies there, which must be whole: its description, and the pass phrase that opens it. */
async function state(): Promise<string> {
  const entry = await grid.repository.find('alice', undefined)
  if (entry === undefined) return 'nothing'
  const opens = (passPhrase: string) =>
    openStoredCredential(entry, passPhrase).then(
      () => true,
      () => false,
    )
  for (const passPhrase of ['', OLD, NEW]) {
    if (await opens(passPhrase)) return `${entry.data.description} ${passPhrase}`.trim()
  }
  throw new Error('what is stored does not open')
}

interface Killable {
  child: ChildProcess
  servers: Servers
  ended: Promise<unknown>
}

async function startKillable(step: number): Promise<Killable> {
  const { cert, key } = { cert: 'server-cert.pem', key: 'server-key.pem' }
  const files = [cert, key].map((name) => join(grid.directory, name))
  const args = [script, configuration, grid.storeDirectory, grid.trustDirectory, ...files]
  const child = spawn(process.execPath, [...args, String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const ended = once(child, 'exit')
  const [port] = await Promise.race([
    once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
    ended.then(() => Promise.reject(new Error('the server did not start'))),
  ])
  return { child, servers: [{ host: 'localhost', port: Number(port) }], ended }
}

interface Case {
  prepare: Command
  command: Command
  before: string
  after: string
  steps: readonly number[]
}

const CASES: Record<string, Case> = {
  put: { prepare: put('old'), command: put('new'), before: 'old', after: 'new', steps: STEPS },
  store: { prepare: put('old'), command: store, before: 'old', after: 'new', steps: STEPS },
  'change-pass-phrase': {
    prepare: put('x', OLD),
    command: (servers) =>
      requestChangePassPhrase(grid.myproxy, {
        ...common(servers),
        ...{ passPhrase: OLD, newPassPhrase: NEW },
      }),
    before: `x ${OLD}`,
    after: `x ${NEW}`,
    steps: FEW_STEPS,
  },
  destroy: {
    prepare: put('old'),
    command: (servers) => requestDestroy(grid.myproxy, common(servers)),
    before: 'old',
    after: 'nothing',
    steps: STEPS,
  },
  ...Object.fromEntries(
    (
      [
        ['get', requestGet],
        ['retrieve', requestRetrieval],
        ['info', requestInfo],
      ] as const
    ).map(([name, request]): [string, Case] => [
      name,
      {
        prepare: put('x', OLD),
        command: (servers) =>
          request(grid.myproxy, { ...common(servers), passPhrase: OLD, lifetimeSeconds: HOUR }),
        before: `x ${OLD}`,
        after: `x ${OLD}`,
        steps: READING_STEPS,
      },
    ]),
  ),
}

describe('a MyProxy server that is killed', () => {
  it.each(Object.keys(CASES))(
    'in the middle of %s leaves the old or the new, whole, and the next one serves',
    async (name) => {
      const { prepare, command, before, after, steps } = CASES[name] as Case
      const seen = new Set<string>()
      let kills = 0
      for (const step of steps) {
        await prepare(grid.servers)
        const { child, servers, ended } = await startKillable(step)
        const isTold = await command(servers).then(
          () => true,
          () => false,
        )
        // Whoever got through is ended here.
        child.kill('SIGKILL')
        await ended
        const found = await state()
        expect([before, after]).toContain(found)
        if (isTold) expect(found).toBe(after)
        else {
          kills += 1
          seen.add(found)
        }
        if (found !== after) await command(grid.servers)
        expect(await state()).toBe(after)
        // What comes after the end of a command is like what comes just before it.
        if (isTold) break
      }
      expect(kills).toBeGreaterThanOrEqual(1)
      expect(seen).toContain(before)
    },
  )
})
