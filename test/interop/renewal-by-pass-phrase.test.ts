/**
 * Registering and renewing by pass phrase against Debian's `myproxy-server`, which makes nobody a
 * renewer here: what it allows, and each refusal with its cure.
 */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { voPaths } from '../../src/config/vo-paths.js'
import type { VoboxError } from '../../src/errors.js'
import type { RegisterRequest } from '../../src/renewal/registering/register.js'
import { registerProxy } from '../../src/renewal/registering/register.js'
import { renewOne } from '../../src/renewal/renew-one.js'
import { rejectionOf } from '../support/failure.js'
import { commandOf, paste } from '../support/pasted.js'
import { addProxy, realNow, TestAuthority } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealRegistering, realRegistering } from '../support/real-registering.js'
import { DAY, HOUR } from '../support/time.js'

const SECRET = 'open-sesame-7'

/** Nobody renews; whom a credential names, or anybody where it says so, retrieves. */
const POLICY = { authorized_renewers: '"none"', default_retrievers: '"none"' }

describeWithPrograms(
  'renewal by pass phrase from Debian’s myproxy-server',
  MYPROXY_PROGRAMS,
  () => {
    let grid: RealGrid
    let registering: RealRegistering
    let phraseFile: string

    beforeAll(async () => {
      grid = await startRealGrid({ policy: POLICY })
      registering = await realRegistering(grid)
      phraseFile = join(grid.directory, 'phrase')
    })
    afterAll(() => grid?.stop())
    beforeEach(async () => {
      await rm(phraseFile, { force: true })
      await writeFile(phraseFile, `${SECRET}\n`, { mode: 0o600 })
      await registering.login(addProxy(grid.users.alice.credential, { key: 'rsa2048', hours: 24 }))
    })

    const upload = (...options: string[]) =>
      grid.upload({
        as: grid.users.alice,
        options: ['-d', '-c', '720', '-t', '48', ...options],
        ...(!options.includes('-n') && { passPhrase: SECRET }),
      })
    const register = (changes: Partial<RegisterRequest> = {}) =>
      registerProxy(registering.context, {
        ...registering.request,
        passPhraseFile: phraseFile,
        lifetimeSeconds: 48 * HOUR,
        ...changes,
      })
    const renew = (fileName: string) =>
      renewOne(registering.context, fileName, { force: true, evenIfBackingOff: true })
    const written = async () => {
      const { directory, eventsLog, registry } = voPaths(`${grid.directory}/vo-root`, 'alice')
      const texts = [eventsLog, registry, `${directory}/state`].map((path) =>
        readFile(path, 'utf8').catch(() => ''),
      )
      return (await Promise.all(texts)).join('')
    }

    describe('with a credential that this host may retrieve', () => {
      let fileName: string
      beforeAll(() => upload('-r', 'vobox.example.org'))

      it('registers, having fetched a proxy of 48 h, and keeps the path of the pass phrase alone', async () => {
        const { registration, stored, warnings } = await register()
        fileName = registration.fileName
        expect(warnings).toEqual([])
        expect(registration.passPhraseFile).toBe(phraseFile)
        expect(stored).toMatchObject({ from: 'info', owner: grid.users.alice.dn })
        expect(stored?.end).toBeGreaterThan(realNow() + 29 * DAY)
        expect(stored?.grantedSeconds).toBeGreaterThan(47.9 * HOUR)
        expect(await written()).toContain(phraseFile)
        expect(await written()).not.toContain(SECRET)
      })

      it('renews, and says whence the end of the stored credential is known', async () => {
        const outcome = await renew(fileName)
        expect(outcome).toMatchObject({ kind: 'renewed', server: `localhost:${grid.server.port}` })
        const { storedEnd, failures } = await registering.context.registry.state(fileName)
        expect(failures).toBe(0)
        expect(storedEnd).toMatchObject({ server: `localhost:${grid.server.port}` })
        expect(await written()).not.toContain(SECRET)
      })

      it.each<[string, string, string, () => Promise<unknown>, RegExp]>([
        [
          'another pass phrase in the file',
          'MYPROXY_PASS_PHRASE_WRONG',
          'pass-phrase',
          () => writeFile(phraseFile, 'open-sesame-8\n'),
          /^Write the pass phrase with which it was stored into .*vobox-proxy myproxy init -s \S+ -d -t 48 -c 3000$/,
        ],
        [
          'no file any more',
          'PASS_PHRASE_FILE_UNUSABLE',
          'missing',
          () => rm(phraseFile),
          /^Put it back, as the VO admin and with mode 0600/,
        ],
        [
          'a file that the group can read',
          'PASS_PHRASE_FILE_UNUSABLE',
          'mode',
          () => chmod(phraseFile, 0o640),
          /^chmod 0600 /,
        ],
      ])('with %s fails as %s (%s) with its cure; the old proxy stays', async (...row) => {
        const [, code, reason, spoil, cure] = row
        const { repository, registry } = registering.context
        const before = (await repository.readBytes(fileName)).bytes
        await spoil()
        const outcome = await renew(fileName)
        expect(outcome).toMatchObject({ kind: 'failed', error: { code, data: { reason } } })
        const { hint } = (outcome as { error: VoboxError }).error
        expect(hint).toMatch(cure)
        expect((await registry.state(fileName)).lastFailure).toMatchObject({
          code,
          persistence: 'permanent',
          hint,
        })
        expect((await repository.readBytes(fileName)).bytes).toEqual(before)
        expect(await written()).not.toContain('open-sesame')
        // A file on this machine is mended in minutes; a wrong pass phrase is not worth a second guess.
        const pause = (await registry.state(fileName)).retryAt ?? 0
        expect(pause - realNow() > 30 * 60).toBe(code === 'MYPROXY_PASS_PHRASE_WRONG')
      })

      it('works again when the file is back, with a proxy that has expired meanwhile', async () => {
        const { repository } = registering.context
        const over = addProxy(grid.users.alice.credential, {
          key: 'rsa2048',
          notBefore: realNow() - 2 * HOUR,
          notAfter: realNow() - HOUR,
        })
        await repository.replace(fileName, over)
        const outcome = await renewOne(registering.context, fileName, { evenIfBackingOff: true })
        expect(outcome).toMatchObject({ kind: 'renewed' })
      })

      it('goes back to renewal by the proxy itself with an empty value, which its pass phrase forbids', async () => {
        const error = await rejectionOf(register({ passPhraseFile: null }))
        expect(error.code).toBe('CREDENTIAL_HAS_PASS_PHRASE')
        expect(error.hint).toContain('Register with --pass-phrase-file FILE, which holds it')
      })
    })

    it('does without a machine proxy where anybody may come who knows the pass phrase (-a)', async () => {
      await upload('-a')
      const missing = { ...registering.context, machineProxy: () => noMachineProxy() }
      const { registration, stored } = await registerProxy(missing, {
        ...registering.request,
        passPhraseFile: phraseFile,
      })
      expect(stored?.grantedSeconds).toBeGreaterThan(11.9 * HOUR)
      const outcome = await renewOne(missing, registration.fileName, { force: true })
      expect(outcome).toMatchObject({ kind: 'renewed' })
    })

    it('comes without a certificate where the server does not trust the CA of the machine', async () => {
      await upload('-a')
      const stranger = new TestAuthority({ key: 'rsa2048' }).issueHost('vobox.example.org')
      const context = { ...registering.context, machineProxy: async () => addProxy(stranger) }
      const request = { ...registering.request, passPhraseFile: phraseFile }
      const { stored } = await registerProxy(context, request)
      expect(stored?.grantedSeconds).toBeGreaterThan(11.9 * HOUR)
      await writeFile(phraseFile, 'open-sesame-8\n')
      const error = await rejectionOf(registerProxy(context, request))
      expect(error.code).toBe('MYPROXY_PASS_PHRASE_WRONG')
    })

    it.each<[string, string[], string, string, RegExp]>([
      [
        'for another retriever',
        ['-r', 'elsewhere.example.org'],
        'MYPROXY_NOT_AUTHORISED_RETRIEVER',
        'not-by-credential',
        /vobox-proxy myproxy init -s \S+ -d -t 48 -c 3000 -x -r \S+vobox.example.org$/,
      ],
      [
        'for no retriever',
        [],
        'MYPROXY_NOT_AUTHORISED_RETRIEVER',
        'no-retriever-set',
        /vobox-proxy myproxy init -s \S+ -d -t 48 -c 3000 -x -r \S+vobox.example.org$/,
      ],
      [
        'without a pass phrase, for a retriever',
        ['-n', '-r', 'vobox.example.org'],
        'CREDENTIAL_HAS_NO_PASS_PHRASE',
        'no-pass-phrase',
        /^Its owner stores it with a pass phrase: vobox-proxy myproxy init -s \S+ -d -t 48 -c 3000$/,
      ],
    ])('refuses to register what is stored %s', async (_name, options, code, reason, cure) => {
      await upload(...options)
      const error = await rejectionOf(register())
      expect(error).toMatchObject({ code, data: { reason } })
      expect(error.hint).toMatch(cure)
      expect(error.message).not.toContain(SECRET)
      if (code === 'CREDENTIAL_HAS_NO_PASS_PHRASE') return
      const command = `${commandOf(error.hint ?? '')} -S`
      const pasted = await paste(grid, command, { as: grid.users.alice, input: `${SECRET}\n` })
      expect(pasted).toMatchObject({ exitCode: 0 })
      expect((await register()).stored?.grantedSeconds).toBeGreaterThan(47.9 * HOUR)
    })

    it('refuses to register with a file that is not there, before it asks the server anything', async () => {
      await rm(phraseFile)
      const offline = { servers: ['localhost:1'] }
      const error = await rejectionOf(register(offline))
      expect(error).toMatchObject({
        code: 'PASS_PHRASE_FILE_UNUSABLE',
        data: { reason: 'missing' },
      })
    })
  },
)

async function noMachineProxy(): Promise<never> {
  const { VoboxError } = await import('../../src/errors.js')
  throw new VoboxError('MACHINE_PROXY_MISSING', 'The machine proxy is missing')
}
