/** `check` and `forecast` through the built program, against real MyProxy and VOMS servers. */
import { cpSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeCredential } from '../../src/proxy/credential.js'
import type { CheckReport as Report } from '../support/check-stage.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'
import { putRegistered } from '../support/registered.js'
import { DAY, HOUR } from '../support/time.js'
import { VoBox } from '../support/vo-box.js'

describeWithPrograms(
  'check, against real MyProxy and VOMS servers',
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    let grid: RealGrid
    let voms: RealVoms
    let box: VoBox
    const host = () => ['--cert', grid.hosts.vobox.certificatePath]
    const check = async (...options: string[]): Promise<Report> => {
      const { stdout } = await box.call(['check', ...host(), '--json', ...options])
      return JSON.parse(stdout)
    }
    const of = ({ findings }: Report, name: string) => findings.filter((one) => one.check === name)

    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
      await grid.upload({ as: grid.users.alice })
      // The database's directory, which they lie in, is root's alone.
      const files = (name: string) => join(grid.directory, `of-the-box-${name}`)
      cpSync(voms.vomsdir, files('vomsdir'), { recursive: true })
      cpSync(voms.vomses, files('vomses'), { recursive: true })
      box = new VoBox(grid.directory, {
        kept: true,
        vo: `check-voms-${process.pid}`,
        config:
          `[trust]\ndirectory = "${grid.trustDirectory}"\n[mail]\ntransport = "none"\n` +
          `[voms]\ndirectory = "${files('vomsdir')}"\nvomses = ["${files('vomses')}"]\n`,
      })
      const machine = addProxy(grid.hosts.vobox.credential, { hours: 24, pathLength: 0 })
      renameSync(box.put('machine', encodeCredential(machine), 0o400), box.paths.machineProxy)
      const servers = [`localhost:${grid.server.port}`]
      const settings = { servers, lifetimeSeconds: 24 * HOUR, myproxySafeSeconds: DAY }
      const attributes = ['alice:/alice/Role=lcgadmin']
      putRegistered(box, [{ user: grid.users.alice.credential, voms: attributes, settings }])
    })
    afterAll(async () => {
      await box?.close()
      await voms?.stop()
      await grid?.stop()
    })

    it('rehearses a renewal with its role', async () => {
      const report = await check('--rehearse')
      expect(of(report, 'voms')).toMatchObject([{ verdict: 'good' }])
      expect(of(report, 'rehearsal')).toMatchObject([
        { verdict: 'good', sentence: expect.stringContaining('alice:/alice/Role=lcgadmin') },
      ])
    })

    it('forecasts the end of the VOMS server’s certificate, as the proxy carries it', async () => {
      expect((await box.call(['renew', '--all', '--force'])).status).toBe(0)
      const { stdout } = await box.call(['forecast', '--days', '9999', '--json', ...host()])
      const { endings, gaps } = JSON.parse(stdout)
      expect(gaps).toEqual([])
      const found = endings.filter(({ kind }: { kind: string }) => kind === 'voms-certificate')
      expect(found).toMatchObject([
        {
          sentence: expect.stringMatching(
            /^the certificate of the VOMS server .*CN=.* ends in \d+ .*; then no attributes that it signed are believed$/,
          ),
          cure: expect.stringMatching(/^The manager of the VO alice renews it; .*\.lsc file/),
        },
      ])
    })

    it('tells a VOMS server that is down in one sentence, with its cure', async () => {
      await voms.stopServer('alice')
      const report = await check()
      await voms.startServer('alice')
      expect(of(report, 'voms')).toMatchObject([
        {
          verdict: 'bad',
          code: 'CONNECTION_FAILED',
          sentence: expect.stringContaining(`localhost:${voms.ports.alice}`),
          cure: expect.stringContaining('firewall'),
        },
      ])
    })
  },
)
