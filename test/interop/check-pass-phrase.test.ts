/** `check` of a registration that is renewed by pass phrase, against Debian's `myproxy-server`. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeCredential } from '../../src/proxy/credential.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { putRegistered } from '../support/registered.js'
import { HOUR } from '../support/time.js'
import { VoBox } from '../support/vo-box.js'

const SECRET = 'open-sesame-7'

describeWithPrograms('check, of a registration with a pass phrase file', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let box: VoBox
  let file: string

  beforeAll(async () => {
    grid = await startRealGrid({ policy: { authorized_renewers: '"none"' } })
    const options = ['-d', '-a', '-c', '720', '-t', '48']
    await grid.upload({ as: grid.users.alice, options, passPhrase: SECRET })
    box = new VoBox(grid.directory, {
      kept: true,
      vo: `check-phrase-${process.pid}`,
      config: `[keys]\nkind = "p256"\n[trust]\ndirectory = "${grid.trustDirectory}"\n`,
    })
    const machine = addProxy(grid.hosts.vobox.credential, { pathLength: 0, hours: 24 })
    const path = `root-of-${box.vo}/${box.vo}/renewal-proxy.pem`
    box.put(path, encodeCredential(machine), 0o400)
    file = box.put('phrase', `${SECRET}\n`, 0o600)
    const settings = {
      servers: [`localhost:${grid.server.port}`],
      lifetimeSeconds: 48 * HOUR,
      passPhraseFile: file,
    }
    putRegistered(box, [{ user: grid.users.alice.credential, settings, hours: -2 }])
  })
  afterAll(async () => {
    await box?.close()
    await grid?.stop()
  })

  const findings = async () => {
    const { stdout } = await box.call([
      'check',
      '--json',
      '--cert',
      grid.hosts.vobox.certificatePath,
    ])
    expect(stdout).not.toContain(SECRET)
    const all = JSON.parse(stdout).findings as { check: string; verdict: string }[]
    return (name: string) => all.filter(({ check }) => check === name)
  }

  it('fetches once for a proxy that ended 2 h ago: the line is well, and the service may try', async () => {
    const of = await findings()
    expect(of('pass-phrase')).toMatchObject([{ verdict: 'good' }])
    expect(of('renewer')).toMatchObject([
      { verdict: 'good', sentence: expect.stringMatching(/renew it by pass phrase$/) },
    ])
    expect(of('stored-credential')).toMatchObject([{ verdict: 'good' }])
    expect(of('lifetime')).toMatchObject([{ verdict: 'good' }])
    expect(of('user-proxy')).toMatchObject([{ verdict: 'bad' }])
  })

  it('says that the file is missing, with its cure, and asks no server with nothing to say', async () => {
    rmSync(file)
    const of = await findings()
    expect(of('pass-phrase')).toMatchObject([
      {
        verdict: 'bad',
        code: 'PASS_PHRASE_FILE_UNUSABLE',
        cure: expect.stringMatching(/^Put it back, as the VO admin and with mode 0600/),
      },
    ])
    expect(of('renewer')).toEqual([])
  })
})
