import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { ReplicaStates } from '../../../../src/myproxy/server/replication/replica-states.js'
import { replicate } from '../../../../src/myproxy/server/replication/replicate.js'
import {
  type ReplicationDeps,
  replicateTo,
} from '../../../../src/myproxy/server/replication/replicate-to.js'
import { keyOf } from '../../../../src/myproxy/server/replication/replicated.js'
import { takeSnapshot } from '../../../../src/myproxy/server/replication/snapshot.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { rejectionOf } from '../../../support/failure.js'
import { FakeClock } from '../../../support/fake-clock.js'
import {
  PrimaryInMemory,
  ScriptedSecondary,
  STORED,
  StatesInMemory,
  storedEntry,
} from '../../../support/replication.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

let clock: FakeClock
let primary: PrimaryInMemory
let states: StatesInMemory
let secondary: ScriptedSecondary

beforeEach(() => {
  clock = new FakeClock()
  primary = new PrimaryInMemory()
  states = new StatesInMemory()
  secondary = new ScriptedSecondary()
})

const alice = { username: 'alice' }
const grid = { username: 'alice', name: 'grid' }
const refusal = (code: 'MYPROXY_REFUSED' | 'MYPROXY_NOT_OWNER' | 'ALL_SERVERS_FAILED') =>
  new VoboxError(code, `as the test wants it: ${code}`)

async function run(changes: Partial<ReplicationDeps> = {}) {
  const deps = { source: primary, states, clock, signal: new AbortController().signal, ...changes }
  return replicateTo(secondary, await takeSnapshot(primary, clock.now()), deps)
}

/** What was asked in a run, in any order. */
async function askedIn(changes: Partial<ReplicationDeps> = {}) {
  secondary.asked.length = 0
  await run(changes)
  return [...secondary.asked].sort()
}

describe('a run for one secondary', () => {
  it('stores 2 credentials, says so, and has nothing to do the next time', async () => {
    primary.put(storedEntry(alice), storedEntry(grid))
    expect(await run()).toEqual({
      server: 'b.example.org:7512',
      stored: 2,
      destroyed: 0,
      behind: 0,
      behindSince: null,
      completeAt: clock.now(),
      failure: null,
      notReplicated: [],
    })
    expect([...secondary.holds.values()]).toEqual([...primary.entries.values()])
    expect(await askedIn()).toEqual([])
  })

  it.each([
    ['another key, which a changed pass phrase makes of it', storedEntry(alice, STORED.two)],
    ['another renewer', storedEntry({ ...alice, renewer: '*/CN=b' })],
    ['another retriever', storedEntry({ ...alice, retriever: '*/CN=b' })],
    ['another trusted retriever', storedEntry({ ...alice, trustedRetriever: '*/CN=b' })],
    ['another key retriever', storedEntry({ ...alice, keyRetriever: '*/CN=b' })],
    ['another lifetime', storedEntry({ ...alice, lifetimeSeconds: 60 })],
    ['another description', storedEntry({ ...alice, description: 'new' })],
  ])('stores again what has %s', async (_name, changed) => {
    primary.put(storedEntry(alice), storedEntry(grid))
    await run()
    primary.put(changed)
    expect(await askedIn()).toEqual(['store alice'])
    expect(secondary.holds.get(keyOf(alice))).toEqual(changed)
  })

  it('does not mind who owns a credential: there it is ours', async () => {
    primary.put(storedEntry(alice))
    await run()
    primary.put(storedEntry({ ...alice, owner: '/DC=org/CN=somebody else' }))
    expect(await askedIn()).toEqual([])
  })

  it('removes what is gone, and nothing that it has not sent', async () => {
    secondary.holds.set(keyOf({ username: 'eve' }), storedEntry({ username: 'eve' }))
    primary.put(storedEntry(alice), storedEntry(grid))
    await run()
    primary.entries.delete(keyOf(grid))
    expect(await askedIn()).toEqual(['destroy alice grid'])
    expect([...secondary.holds.keys()]).toEqual([keyOf({ username: 'eve' }), keyOf(alice)])
    expect(await askedIn()).toEqual([])
  })

  it('removes nothing that is there and cannot be read', async () => {
    primary.put(storedEntry(alice), storedEntry(grid))
    await run()
    primary.unreadable.add(keyOf(alice))
    const report = await run()
    expect(report).toMatchObject({ behind: 1, failure: null, destroyed: 0 })
    expect(report.notReplicated).toMatchObject([
      { username: 'alice', error: { code: 'MYPROXY_STORE_MALFORMED' } },
    ])
    expect(secondary.holds.size).toBe(2)
    primary.unreadable.clear()
    expect(await run()).toMatchObject({ behind: 0, stored: 0 })
  })

  it('removes nothing whose certificates are damaged', async () => {
    primary.put(storedEntry(alice))
    await run()
    primary.put(storedEntry(alice, Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END')))
    expect(await run()).toMatchObject({ behind: 1, destroyed: 0, notReplicated: [{ ...alice }] })
    expect(secondary.holds.get(keyOf(alice))?.creds).toEqual(STORED.one)
  })

  it('takes back what is locked, and hands it on once it is not', async () => {
    primary.put(storedEntry(alice))
    await run()
    primary.put(storedEntry(alice, STORED.one, 'stolen'))
    expect(await askedIn()).toEqual(['destroy alice'])
    expect(await askedIn()).toEqual([])
    primary.put(storedEntry(alice))
    expect(await askedIn()).toEqual(['store alice'])
  })

  it('offers neither an expired credential nor one whose plain key a hash guards', async () => {
    primary.put(storedEntry(alice, STORED.expired), storedEntry({ ...grid, passPhraseHash: 'x' }))
    expect(await askedIn()).toEqual([])
    expect(await run()).toMatchObject({ behind: 0, failure: null })
  })

  it('sees a change that is made while it runs in the next one', async () => {
    primary.put(storedEntry(alice))
    secondary.fate = () => {
      primary.put(storedEntry(alice, STORED.two))
      return 'done'
    }
    await run()
    expect(secondary.holds.get(keyOf(alice))?.creds).toEqual(STORED.one)
    expect(await askedIn()).toEqual(['store alice'])
    expect(secondary.holds.get(keyOf(alice))?.creds).toEqual(STORED.two)
  })

  it('looks again before each step: what came back is stored, and what went is not', async () => {
    primary.put(storedEntry(alice), storedEntry(grid))
    await run()
    primary.entries.delete(keyOf(alice))
    primary.put(storedEntry(grid, STORED.two))
    const snapshot = await takeSnapshot(primary, clock.now())
    primary.put(storedEntry(alice, STORED.two))
    primary.entries.delete(keyOf(grid))
    secondary.asked.length = 0
    const { signal } = new AbortController()
    await replicateTo(secondary, snapshot, { source: primary, states, clock, signal })
    expect(secondary.asked.sort()).toEqual(['destroy alice grid', 'store alice'])
  })

  it('goes on after a refusal, and says since when it lags, 600 s later too', async () => {
    const begun = clock.now()
    primary.put(storedEntry(alice), storedEntry(grid))
    secondary.fate = (_request, { name }) => (name ? 'done' : refusal('MYPROXY_REFUSED'))
    expect(await run()).toMatchObject({
      stored: 1,
      behind: 1,
      behindSince: begun,
      completeAt: null,
      failure: null,
      notReplicated: [{ username: 'alice', error: { code: 'MYPROXY_REFUSED' } }],
    })
    clock.jump(600)
    expect(await run()).toMatchObject({ stored: 0, behind: 1, behindSince: begun })
    secondary.fate = () => 'done'
    expect(await run()).toMatchObject({ stored: 1, behind: 0, completeAt: begun + 600 })
  })

  it('leaves a secondary that cannot be reached alone after 1 try', async () => {
    primary.put(...[1, 2, 3, 4, 5, 6].map((n) => storedEntry({ username: `user${n}` })))
    secondary.fate = () => refusal('ALL_SERVERS_FAILED')
    const report = await run({ concurrency: 1 })
    expect(report).toMatchObject({ behind: 6, failure: { code: 'ALL_SERVERS_FAILED' } })
    expect(secondary.asked).toHaveLength(1)
  })

  it('leaves one alone that gives no answer 3 times, and sends those 3 again', async () => {
    primary.put(...[1, 2, 3, 4, 5, 6].map((n) => storedEntry({ username: `user${n}` })))
    secondary.fate = () => 'lost-before'
    expect(await run({ concurrency: 1 })).toMatchObject({
      behind: 6,
      failure: { code: 'OUTCOME_UNKNOWN' },
    })
    expect(secondary.asked).toHaveLength(3)
    secondary.fate = () => 'done'
    expect(await run()).toMatchObject({ stored: 6, behind: 0 })
  })

  it('removes what may have arrived when it is gone before anybody could tell', async () => {
    primary.put(storedEntry(alice))
    secondary.fate = () => 'lost-after'
    await run()
    primary.entries.clear()
    secondary.fate = () => 'done'
    expect(await askedIn()).toEqual(['destroy alice'])
    expect(secondary.holds.size).toBe(0)
  })

  it('sends all 2 again where that is wanted, and removes what is gone once more', async () => {
    primary.put(storedEntry(alice), storedEntry(grid))
    await run()
    secondary.holds.clear()
    expect(await askedIn()).toEqual([])
    expect(await askedIn({ resend: true })).toEqual(['store alice', 'store alice grid'])
    expect(secondary.holds.size).toBe(2)
    secondary.fate = () => refusal('ALL_SERVERS_FAILED')
    await run({ resend: true })
    secondary.fate = () => 'done'
    expect(await askedIn()).toEqual(['store alice', 'store alice grid'])
  })

  it('forgets what was refused and is gone, without a word to the secondary', async () => {
    primary.put(storedEntry(alice))
    secondary.fate = () => refusal('MYPROXY_REFUSED')
    await run()
    primary.entries.clear()
    expect(await askedIn()).toEqual([])
    expect(await run()).toMatchObject({ behind: 0, failure: null })
  })

  it('forgets what is somebody else’s there and never was ours', async () => {
    primary.put(storedEntry(alice))
    secondary.fate = () => 'lost-before'
    await run()
    secondary.fate = () => refusal('MYPROXY_NOT_OWNER')
    expect(await run()).toMatchObject({ behind: 1 })
    primary.entries.clear()
    expect(await askedIn()).toEqual([])
  })

  it('tells of a removal that was refused until it is done: it was ours', async () => {
    primary.put(storedEntry(alice))
    await run()
    primary.entries.clear()
    secondary.fate = () => refusal('MYPROXY_NOT_OWNER')
    expect(await run()).toMatchObject({ behind: 1, failure: null })
    expect(await run()).toMatchObject({ behind: 1, notReplicated: [{ ...alice }] })
  })

  it('sends nothing when it could not note that it will', async () => {
    primary.put(storedEntry(alice))
    states.beforeWrite = () => {
      throw new VoboxError('FILE_UNWRITABLE', 'the disk is full')
    }
    expect(await run()).toMatchObject({ behind: 1, failure: { code: 'FILE_UNWRITABLE' } })
    expect(secondary.asked).toEqual([])
  })

  it('ends at its deadline, keeps what was done, and does the rest the next time', async () => {
    const deadline = new AbortController()
    primary.put(...[1, 2, 3].map((n) => storedEntry({ username: `user${n}` })))
    secondary.fate = () => {
      deadline.abort(new VoboxError('DEADLINE_EXCEEDED', 'the run took too long'))
      return 'done'
    }
    const report = await run({ concurrency: 1, signal: deadline.signal })
    expect(report).toMatchObject({ stored: 1, behind: 2, failure: { code: 'DEADLINE_EXCEEDED' } })
    expect(await askedIn()).toEqual(['store user2', 'store user3'])
  })
})

describe('replicate', () => {
  const secondaries = () => [
    new ScriptedSecondary('b.example.org'),
    new ScriptedSecondary('c.example.org'),
  ]

  async function storeDirectory() {
    const directory = join(await temporaryDirectory(), 'store')
    await mkdir(directory, { mode: 0o700 })
    return directory
  }

  const depsFor = (directory: string) => ({
    source: primary,
    states: new ReplicaStates(nodeFiles, directory, [process.getuid?.() ?? 0]),
    clock,
    signal: new AbortController().signal,
  })

  it('serves 1 secondary while the other one never answers, each with a state of its own', async () => {
    const [b, c] = secondaries() as [ScriptedSecondary, ScriptedSecondary]
    const directory = await storeDirectory()
    primary.put(storedEntry(alice))
    let release: (fate: 'done') => void = () => undefined
    b.fate = () =>
      new Promise<'done'>((resolve) => {
        release = resolve
      })
    const running = replicate([b, c], depsFor(directory))
    await clock.until(() => b.asked.length === 1)
    const stateOfC = join(directory, '.vobox-replica-c.example.org_7512.json')
    const isDone = async () => /completeAt/.test(await readFile(stateOfC, 'utf8').catch(() => ''))
    await clock.until(isDone)
    expect(b.holds.size).toBe(0)
    release('done')
    const { secondaries: reports, credentials } = await running
    expect(reports.map(({ server, stored }) => [server, stored])).toEqual([
      ['b.example.org:7512', 1],
      ['c.example.org:7512', 1],
    ])
    expect(credentials).toBe(1)
  })

  it('holds a lock: a second run beside it ends with LOCK_TIMEOUT, and one behind it works', async () => {
    const [b, c] = secondaries() as [ScriptedSecondary, ScriptedSecondary]
    const directory = await storeDirectory()
    primary.put(storedEntry(alice))
    let second: Promise<unknown> | undefined
    b.fate = async () => {
      second = rejectionOf(replicate([c], depsFor(directory)))
      expect(await second).toMatchObject({ code: 'LOCK_TIMEOUT' })
      return 'done' as const
    }
    await replicate([b], depsFor(directory))
    expect(second).toBeDefined()
    expect((await replicate([c], depsFor(directory))).secondaries[0]).toMatchObject({ stored: 1 })
  })

  it('leaves a file of 0600 for each, in which nothing of a key stands', async () => {
    const [b] = secondaries() as [ScriptedSecondary, ScriptedSecondary]
    const directory = await storeDirectory()
    primary.put(storedEntry({ ...alice, description: 'of the grid' }))
    await replicate([b], depsFor(directory))
    const path = join(directory, '.vobox-replica-b.example.org_7512.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const text = await readFile(path, 'utf8')
    expect(text).toContain('"alice"')
    const lines = STORED.one
      .toString()
      .split('\n')
      .filter((line) => line.length > 20)
    expect(lines.length).toBeGreaterThan(5)
    for (const line of [...lines, 'of the grid']) expect(text).not.toContain(line)
  })

  it('tells of a state that cannot be read, and serves the other secondary', async () => {
    const [b, c] = secondaries() as [ScriptedSecondary, ScriptedSecondary]
    const directory = await storeDirectory()
    primary.put(storedEntry(alice))
    await nodeFiles.replace(
      join(directory, '.vobox-replica-b.example.org_7512.json'),
      Buffer.from('{'),
      { mode: 0o600 },
    )
    const { secondaries: reports } = await replicate([b, c], depsFor(directory))
    expect(reports).toMatchObject([
      { failure: { code: 'MYPROXY_STORE_MALFORMED' } },
      { failure: null, stored: 1 },
    ])
    expect(b.asked).toEqual([])
  })

  it('lists 3 credentials that it hands to nobody, each with its reason', async () => {
    const directory = await storeDirectory()
    primary.put(
      storedEntry(alice, STORED.expired),
      storedEntry(grid, STORED.one, 'stolen'),
      storedEntry({ username: 'eve', passPhraseHash: 'x' }),
      storedEntry({ username: 'mal' }, Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END')),
    )
    const report = await replicate(secondaries(), depsFor(directory))
    expect(report.withheld).toEqual([
      { ...alice, reason: 'expired' },
      { ...grid, reason: 'locked' },
      { username: 'eve', reason: 'guarded-by-hash' },
    ])
    expect(report.broken).toMatchObject([{ username: 'mal', error: { code: 'PEM_MALFORMED' } }])
    expect(report.credentials).toBe(4)
  })
})
