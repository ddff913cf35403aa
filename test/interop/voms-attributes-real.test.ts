/** Proxies with attributes of Debian's VOMS server, made by the C client, read by us. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeFiles } from '../../src/node/ports/files.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, parseCredential } from '../../src/proxy/credential.js'
import { attributesOfChain } from '../../src/voms/chain-attributes.js'
import { showFqan } from '../../src/voms/fqan.js'
import { judgeAttributes } from '../../src/voms/verify-attributes.js'
import { VomsDirectory } from '../../src/voms/voms-directory.js'
import { FakeClock } from '../support/fake-clock.js'
import { addProxy, anchorsOf, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'
import { HOUR, MINUTE } from '../support/time.js'

let grid: RealGrid
let voms: RealVoms
let made = 0

/** What voms-proxy-init2 made of alice's certificate, or of her proxy, with these options. */
async function proxyOf(options: readonly string[], inside?: Credential) {
  const out = join(grid.directory, `made-${made++}.pem`)
  const from =
    inside === undefined
      ? { as: grid.users.alice }
      : { proxy: await grid.writeProxy(`inside-${made}.pem`, inside) }
  // What the C client makes of a proxy it does not verify when another is inside.
  const further = inside === undefined ? [] : ['-noregen', '-dont-verify-ac']
  const args = [...options, ...further, '-out', out]
  const { exitCode, stdout, stderr } = await voms.run('voms-proxy-init2', args, from)
  if (exitCode !== 0) throw new Error(`voms-proxy-init2 ${args.join(' ')}: ${stdout}${stderr}`)
  const credential = parseCredential(await readFile(out))
  return { credential, facts: describeChain(credential.chain) }
}

async function judge(facts: ReturnType<typeof describeChain>) {
  const vomsdir = new VomsDirectory(nodeFiles, new FakeClock(), voms.vomsdir)
  return judgeAttributes(facts, {
    trust: await vomsdir.current(),
    anchors: anchorsOf(grid.ca),
    now: realNow(),
  })
}

/** For each attribute certificate `VO by: FQANs`, or the code of its refusal. */
async function verdictOf(facts: ReturnType<typeof describeChain>): Promise<string[]> {
  const judged = await judge(facts)
  return judged.map((one) => {
    if (!('verified' in one)) return one.problem.code
    const { by, ac } = one.verified
    return `${ac.vo} ${by}: ${ac.fqans.map(showFqan).join(' ')}`
  })
}

const ROLE = ['-voms', 'alice:/alice/Role=lcgadmin']
const ROLE_FIRST = 'alice lsc: /alice/Role=lcgadmin /alice /alice/team'
const BOB = ['-voms', 'bob.example.org:/bob.example.org/Role=pilot']

describeWithPrograms(
  'attributes that the VOMS server of Debian granted',
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
    })
    afterAll(async () => {
      await voms?.stop()
      await grid?.stop()
    })

    it('to voms-proxy-init2 are verified, the role first, for the 3 hours asked', async () => {
      const { facts } = await proxyOf([...ROLE, '-valid', '3:00'])
      expect(await verdictOf(facts)).toEqual([ROLE_FIRST])
      const [ac] = attributesOfChain(facts).outermost
      expect(ac).toMatchObject({
        uri: `alice://localhost:${voms.ports.alice}`,
        server: { host: 'localhost', port: voms.ports.alice },
        targeted: false,
        // That server loses the value.
        genericAttributes: [{ name: 'nickname', qualifier: 'alice' }],
      })
      expect(ac?.issuer.oneLine).toBe(voms.serverDn)
      const left = (ac?.notAfter ?? 0) - realNow()
      expect(left).toBeGreaterThan(3 * HOUR - 5 * MINUTE)
      expect(left).toBeLessThanOrEqual(3 * HOUR)
    })

    it('to it by 2 VOs are both verified, in the order asked', async () => {
      const { facts } = await proxyOf([...BOB, ...ROLE])
      expect(await verdictOf(facts)).toEqual([
        'bob.example.org lsc: /bob.example.org/Role=pilot /bob.example.org',
        ROLE_FIRST,
      ])
    })

    it('to it for a group alone have that group first', async () => {
      const { facts } = await proxyOf(['-voms', 'alice:/alice/team'])
      expect(await verdictOf(facts)).toEqual(['alice lsc: /alice/team /alice'])
    })

    it('to a proxy of a proxy: those of the outermost count, and the inner ones are named', async () => {
      const stored = await proxyOf(['-voms', 'alice'])
      // Its own proxies have no subject key identifier, and it cannot sign below one of those.
      const inside = addProxy(stored.credential, { key: 'rsa2048' })
      const { facts } = await proxyOf([...BOB, '-valid', '1:00'], inside)
      const { step, inner } = attributesOfChain(facts)
      expect(step).toBe(0)
      expect(inner.map((one) => [one.step, one.acs.map(({ vo }) => vo)])).toEqual([[2, ['alice']]])
      expect(await verdictOf(facts)).toEqual([
        'bob.example.org lsc: /bob.example.org/Role=pilot /bob.example.org',
      ])
    })

    it('are refused where there is no vomsdir', async () => {
      const { facts } = await proxyOf(ROLE)
      const vomsdir = new VomsDirectory(nodeFiles, new FakeClock(), '/nonexistent/vomsdir')
      const rules = { anchors: anchorsOf(grid.ca), now: realNow() }
      const judged = judgeAttributes(facts, { ...rules, trust: await vomsdir.current() })
      expect(judged).toMatchObject([{ problem: { code: 'VOMS_TRUST_MISSING' } }])
    })
  },
)
