/** What `info` prints for scripts, beside what the tools that they call today print of the same file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCredential } from '../../src/proxy/credential.js'
import { TestVoms, writeVomsDirectory } from '../support/ac.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { writeCredentialPair, writeProxyFile } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { field, PeerDirectory } from '../support/proxy-peers.js'

const OURS = join(import.meta.dirname, '../../bin/vobox-proxy')
const rsa = { key: 'rsa2048' } as const
const ca = new TestAuthority(rsa)
const voms = new TestVoms(ca, { host: 'localhost', certificate: rsa })
const alice = ca.issueUser('alice', rsa)
const proxyOf = { hours: 12, key: 'rsa2048' } as const

const peers = new PeerDirectory()
let vomsdir = ''
beforeAll(async () => {
  await peers.open(ca)
  vomsdir = await writeVomsDirectory(join(peers.directory, 'vomsdir'), voms)
})
afterAll(() => peers.close())

/** Our exit status and text, or another tool's, of one proxy file. */
async function ask(program: string, file: string, options: readonly string[]) {
  const args = [...(program === OURS ? ['info'] : []), '-file', file, ...options]
  const { exitCode, text } = await peers.run(program, args, { X509_VOMS_DIR: vomsdir })
  return { exitCode, text: text.trim() }
}

/** A proxy of alice with attributes that the server of `localhost` has signed without being asked. */
async function fake(name: string, ...options: readonly string[]): Promise<string> {
  const user = await writeCredentialPair(peers.directory, `${name}-user`, alice)
  const host = await writeCredentialPair(peers.directory, `${name}-host`, voms.credential)
  const out = join(peers.directory, `${name}.pem`)
  const { exitCode, text } = await peers.run('voms-proxy-fake', [
    ...['-rfc', '-quiet', '-bits', '2048', '-hours', '12', '-vomslife', '8', '-out', out],
    ...['-cert', user.cert, '-key', user.key, '-hostcert', host.cert, '-hostkey', host.key],
    ...['-voms', 'alice', '-uri', 'localhost:15000', '-fqan', '/alice/Role=lcgadmin'],
    ...['-fqan', '/alice', ...options],
  ])
  if (exitCode !== 0) throw new Error(`voms-proxy-fake: ${text}`)
  return out
}

const KINDS: Record<string, () => Promise<string>> = {
  'of voms-proxy-fake': () => fake('fake', '-ga', 'nickname=joe'),
  'below one of voms-proxy-fake': async () => {
    const signer = parseCredential(await readFile(await fake('signer')))
    return writeProxyFile(peers.directory, 'below.pem', addProxy(signer, proxyOf))
  },
  'with NULL parts in its attributes': () => {
    const proxy = voms.addProxyTo(alice, { hours: 8, proxy: proxyOf })
    return writeProxyFile(peers.directory, 'null.pem', proxy)
  },
}

/** Values that count down may differ by what passes between two looks, in seconds. */
const PASSING = 20

/** What counts down apart from everything else. */
function parted(text: string): { rest: string[]; seconds: number[] } {
  const lines = text.split('\n')
  const counts = (line: string) => /^\d{4,}$/.test(line) && line !== '2048'
  return { rest: lines.filter((line) => !counts(line)), seconds: lines.filter(counts).map(Number) }
}

const BARE = ['-subject', '-issuer', '-strength', '-path', '-timeleft'] as const
const OF_ATTRIBUTES = ['-vo', '-fqan', '-acsubject', '-acissuer', '-uri', '-actimeleft'] as const

describeWithPrograms(
  'bare values of info',
  ['voms-proxy-fake', 'voms-proxy-info2', 'voms-proxy-info3', 'grid-proxy-info'],
  () => {
    describe.each(Object.entries(KINDS))('of a proxy %s', (_name, make) => {
      let file = ''
      beforeAll(async () => {
        file = await make()
      }, 60_000)

      it.each<[string, readonly string[], boolean]>([
        ['voms-proxy-info2, in its order', [...OF_ATTRIBUTES, ...BARE], true],
        ['voms-proxy-info3, which has an order of its own', [...BARE, ...OF_ATTRIBUTES], false],
        ['grid-proxy-info, which prints as it is asked', [...BARE, '-type'], false],
      ])(
        'are those of %s',
        async (title, options, inOrder) => {
          const [program = ''] = title.split(',')
          const [ours, theirs] = [await ask(OURS, file, options), await ask(program, file, options)]
          expect([ours.exitCode, theirs.exitCode]).toEqual([0, 0])
          const [mine, other] = [parted(ours.text), parted(theirs.text)]
          const order = (lines: string[]) => (inOrder ? lines : lines.toSorted())
          expect(order(mine.rest)).toEqual(order(other.rest))
          expect(mine.seconds).toHaveLength(other.seconds.length)
          for (const [index, seconds] of mine.seconds.toSorted().entries()) {
            const beside = other.seconds.toSorted()[index] ?? 0
            expect(Math.abs(seconds - beside)).toBeLessThan(PASSING)
          }
        },
        60_000,
      )

      it('have the user as identity, as the Java client shows it', async () => {
        const identity = alice.chain[0]?.subject.oneLine
        expect(await ask(OURS, file, ['-identity'])).toEqual({ exitCode: 0, text: identity })
        const { text } = await ask('voms-proxy-info3', file, ['-all'])
        expect(field(text, 'identity')).toBe(identity)
      }, 60_000)

      it('stand beside every line of voms-proxy-info2 -all but those that differ by intent', async () => {
        const counts = /^(timeleft|identity|type) /
        const linesOf = (text: string) => text.split('\n').filter((line) => !counts.test(line))
        const ours = linesOf((await ask(OURS, file, ['-all'])).text)
        const theirs = linesOf((await ask('voms-proxy-info2', file, ['-all'])).text)
        expect(theirs.length).toBeGreaterThan(10)
        expect(ours.filter((line) => theirs.includes(line))).toEqual(theirs)
      }, 60_000)
    })
  },
)

describeWithPrograms(
  'exit statuses of info',
  ['voms-proxy-fake', 'voms-proxy-info2', 'voms-proxy-info3', 'grid-proxy-info'],
  () => {
    let file = ''
    beforeAll(async () => {
      file = await fake('statuses')
    }, 60_000)

    it.each<[string, readonly string[], number]>([
      ['there is one', ['-exists'], 0],
      ['it lives for 11 h 30 min', ['-exists', '-valid', '11:30'], 0],
      ['it lives for 12 h 30 min', ['-exists', '-valid', '12:30'], 1],
      ['it lives for 13 h', ['-exists', '-hours', '13'], 1],
      ['its key has 2048 bits', ['-exists', '-bits', '2048'], 0],
      ['its key has 4096 bits', ['-exists', '-bits', '4096'], 1],
    ])(
      'are those of all others where it is asked whether %s',
      async (_name, options, status) => {
        for (const program of [OURS, 'voms-proxy-info2', 'voms-proxy-info3', 'grid-proxy-info']) {
          const { exitCode } = await ask(program, file, options)
          expect([program, exitCode]).toEqual([program, status])
        }
      },
      60_000,
    )

    it.each<[string, readonly string[], number]>([
      ['attributes of alice', ['-acexists', 'alice'], 0],
      ['attributes of bob', ['-acexists', 'bob'], 1],
    ])(
      'are those of both VOMS clients where %s are asked for',
      async (_name, options, status) => {
        for (const program of [OURS, 'voms-proxy-info2', 'voms-proxy-info3']) {
          const { exitCode } = await ask(program, file, options)
          expect([program, exitCode]).toEqual([program, status])
        }
      },
      60_000,
    )

    it('are 1 of a plain proxy that is asked for attributes, and of a file that is not there', async () => {
      const plain = addProxy(alice, proxyOf)
      const path = await writeProxyFile(peers.directory, 'plain.pem', plain)
      for (const program of [OURS, 'voms-proxy-info2', 'voms-proxy-info3']) {
        const { exitCode, text } = await ask(program, path, ['-subject', '-fqan'])
        expect([program, exitCode]).toEqual([program, 1])
        expect(text.startsWith('/')).toBe(program !== OURS)
        expect((await ask(program, '/nonexistent/proxy', ['-exists'])).exitCode).toBe(1)
      }
    }, 60_000)

    it('is 0 and the value 0 of attributes that expired an hour ago, as everywhere', async () => {
      const past = await fake('past', '-vomslife', '1', '-pastac', '2:00')
      for (const program of [OURS, 'voms-proxy-info2', 'voms-proxy-info3']) {
        expect(await ask(program, past, ['-actimeleft'])).toEqual({ exitCode: 0, text: '0' })
      }
    }, 60_000)
  },
)
