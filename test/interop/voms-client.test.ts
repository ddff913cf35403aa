/** Proxies that we dressed with attributes of Debian's VOMS server, looked at by the tools of others. */

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestRenewal } from '../../src/myproxy/client.js'
import { nodeDialer } from '../../src/node/ports/dialer.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Credential } from '../../src/proxy/credential.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { makeProxy } from '../../src/proxy/make-proxy.js'
import { parseAttributeRequest } from '../../src/voms/attribute-request.js'
import { attributesOfChain } from '../../src/voms/chain-attributes.js'
import { type DressCall, dressProxy, type VomsContext } from '../../src/voms/dress-proxy.js'
import { showFqan } from '../../src/voms/fqan.js'
import { requestExtension } from '../../src/voms/request-extension.js'
import { rejectionOf } from '../support/failure.js'
import { myproxyContext } from '../support/myproxy-context.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'
import { realVomsContext } from '../support/real-voms-context.js'

describeWithPrograms(
  "attributes of Debian's VOMS server",
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    let grid: RealGrid
    let voms: RealVoms
    let context: VomsContext
    let plain: Credential

    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
      context = realVomsContext(grid, voms)
      plain = addProxy(grid.users.alice.credential, { key: 'rsa2048', hours: 48 })
    })
    afterAll(async () => {
      await voms?.stop()
      await grid?.stop()
    })

    const dress = (requests: readonly string[], call: Partial<DressCall> = {}) =>
      dressProxy(context, {
        credential: plain,
        requests: requests.map(parseAttributeRequest),
        lifetimeSeconds: 43_200,
        ...call,
      })

    /** What each tool says about a proxy: exit code, and what it makes of the attributes. */
    async function look(name: string, credential: Credential) {
      const file = await grid.writeProxy(name, credential)
      const [c, java, arc] = await Promise.all([
        voms.run('voms-proxy-info2', ['-all', '-file', file]),
        voms.run('voms-proxy-info3', ['-all', '-file', file]),
        voms.run('arcproxy', ['-I', '-P', file, '-T', grid.trustDirectory]),
      ])
      const attributes = (text: string) =>
        [...text.matchAll(/^attribute : (\/.*)$/gm)].map(([, fqan]) => fqan)
      return {
        exitCodes: [c.exitCode, java.exitCode, arc.exitCode],
        c: attributes(c.stdout),
        java: attributes(java.stdout),
        arc: attributes(arc.stdout),
        text: `${c.stdout}${c.stderr}\n${java.stdout}${java.stderr}\n${arc.stdout}${arc.stderr}`,
      }
    }

    const full = (...fqans: readonly string[]) =>
      fqans.map((fqan) => `${fqan}${fqan.includes('/Role=') ? '' : '/Role=NULL'}/Capability=NULL`)

    it('are accepted by the C and Java tools and by ARC, the role first', async () => {
      const { credential, warnings } = await dress(['alice:/alice/Role=lcgadmin'])
      const seen = await look('role', credential)
      expect(seen.exitCodes, seen.text).toEqual([0, 0, 0])
      const fqans = ['/alice/Role=lcgadmin', '/alice', '/alice/team']
      expect([seen.c, seen.java]).toEqual([full(...fqans), full(...fqans)])
      expect(seen.arc).toEqual(fqans)
      expect(seen.text).not.toMatch(/invalid|not valid|cannot verify|unable to verify/i)
      expect(warnings).toEqual([])
    })

    it('of two VOs and three FQANs keep the order that was asked for', async () => {
      const { credential } = await dress([
        'bob.example.org:/bob.example.org/Role=pilot',
        'alice:/alice/team',
        'alice:/alice/Role=lcgadmin',
      ])
      const seen = await look('two', credential)
      expect(seen.exitCodes, seen.text).toEqual([0, 0, 0])
      const fqans = [
        ...['/bob.example.org/Role=pilot', '/bob.example.org'],
        ...['/alice/team', '/alice/Role=lcgadmin', '/alice'],
      ]
      expect([seen.c, seen.java]).toEqual([full(...fqans), full(...fqans)])
      expect(seen.arc).toEqual(fqans)
      expect(seen.text.match(/=== VO \S+ extension information ===/g)?.slice(0, 2)).toEqual([
        '=== VO bob.example.org extension information ===',
        '=== VO alice extension information ===',
      ])
    })

    it('go into a proxy that myproxy-server delegated, below a machine proxy of ours', async () => {
      await grid.upload({ as: grid.users.alice })
      const { credential: fresh } = await requestRenewal(
        {
          ...myproxyContext(grid.ca),
          dialer: nodeDialer,
          keys: context.keys,
          keyKind: 'rsa2048',
        },
        {
          servers: [grid.server],
          username: grid.users.alice.dn,
          lifetimeSeconds: 43_200,
          machine: addProxy(grid.hosts.vobox.credential),
          current: addProxy(grid.users.alice.credential),
        },
      )
      const { credential } = await dress(['alice:/alice/Role=lcgadmin'], { credential: fresh })
      expect(describeChain(credential.chain).depth).toBe(4)
      const seen = await look('delegated', credential)
      expect(seen.exitCodes, seen.text).toEqual([0, 0, 0])
      expect(seen.java[0]).toBe('/alice/Role=lcgadmin/Capability=NULL')
    })

    it('go into a login proxy signed by the user certificate itself, which asked for them', async () => {
      const signer = grid.users.alice.credential
      const requests = [parseAttributeRequest('alice')]
      const proxy = await makeProxy(
        {
          signer,
          lifetimeSeconds: 43_200,
          extensions: async () => {
            const call = { credential: signer, requests, lifetimeSeconds: 43_200 }
            return [(await requestExtension(context, call)).extension]
          },
        },
        context,
      )
      expect(describeChain(proxy.chain).depth).toBe(1)
      const seen = await look('login', proxy)
      expect(seen.exitCodes, seen.text).toEqual([0, 0, 0])
      expect(seen.c).toEqual(full('/alice', '/alice/team'))
    })

    it('can be had with a P-256 proxy, over TLS 1.2 and 1.3', async () => {
      const credential = addProxy(grid.users.alice.credential, { key: 'p256' })
      for (const tlsMaxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const call = { credential, requests: [{ vo: 'alice' }], lifetimeSeconds: 3600 }
        const { certificates } = await dressProxy({ ...context, tlsMaxVersion }, call)
        expect(certificates[0]?.fqans.map(showFqan)).toEqual(['/alice', '/alice/team'])
      }
    })

    it('are no obstacle: the C client signs a further proxy below ours, with the same attributes', async () => {
      const { credential } = await dress(['alice:/alice/Role=lcgadmin'])
      const file = await grid.writeProxy('base', credential)
      const out = join(grid.directory, 'further')
      const options = ['-noregen', '-rfc', '-bits', '2048', '-valid', '1:00', '-out', out]
      const voms2 = await voms.run(
        'voms-proxy-init2',
        ['-voms', 'alice:/alice/Role=lcgadmin', ...options],
        {
          proxy: file,
        },
      )
      expect(voms2.exitCode, voms2.stdout + voms2.stderr).toBe(0)
      const further = parseCredential(readFileSync(out))
      const facts = describeChain(further.chain)
      expect(facts.depth).toBe(3)
      const { outermost, inner } = attributesOfChain(facts)
      expect(outermost[0]?.fqans.map(showFqan)[0]).toBe('/alice/Role=lcgadmin')
      expect(inner).toHaveLength(1)
      expect((await look('further-copy', further)).exitCodes).toEqual([0, 0, 0])
    })

    it('that a credential carries already narrow what a server grants', async () => {
      const { credential } = await dress(['alice:/alice/team'])
      const call = { credential, allowCarried: true }
      const failure = await rejectionOf(dress(['alice:/alice/Role=lcgadmin'], call))
      expect(failure.code).toBe('VOMS_ATTRIBUTE_NOT_GRANTED')
      expect(failure.data).toMatchObject({ reason: 'left-out', missing: ['/alice/Role=lcgadmin'] })
      expect(failure.message).toContain('your certificate already contains attributes')
      expect(failure.hint).toBe('Ask with a proxy that carries no attributes')
    })

    it('last as long as was asked, or as long as the server gives, which is then said', async () => {
      const short = await dress(['alice'], { lifetimeSeconds: 1800 })
      const left = short.end - context.clock.now()
      expect(left).toBeGreaterThan(1800 - 120)
      expect(left).toBeLessThanOrEqual(1800)
      const long = await dress(['alice'], { lifetimeSeconds: 30 * 86_400 })
      expect(long.warnings).toHaveLength(1)
      expect(long.warnings[0]).toMatchObject({ kind: 'shorter-than-asked', vo: 'alice' })
      expect(long.warnings[0]?.message).toContain('is shortened to 604800 seconds!')
    })

    it('come from the replica that is there when another is down', async () => {
      const [server] = await context.vomses.serversOf('alice')
      const line = `"alice" "localhost" "9" "${server?.dn}" "alice"\n`
      await writeFile(join(voms.vomses, 'alice-dead'), line, { mode: 0o644 })
      for (let round = 0; round < 4; round++) {
        expect((await dress(['alice'])).certificates).toHaveLength(1)
      }
    })
  },
)
