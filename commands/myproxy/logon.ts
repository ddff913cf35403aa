import { MyProxyCommand } from '../shared/myproxy-command.js'
import { logonFlags } from '../shared/myproxy-logon-flags.js'
import { secondsOf } from '../shared/values.js'
import { jsonFlag, type Library, loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyLogon extends MyProxyCommand {
  static override summary = 'Fetches a login proxy from a MyProxy server'
  static override description =
    'The pass phrase of the stored credential is asked for on the terminal without an echo. What comes ' +
    'is checked up to a CA of this machine before it replaces the proxy that is there, mode 0600. A ' +
    'login proxy that still works is shown to the server as well.'
  static override examples = [
    {
      description: 'for 12 hours, stored under your account name',
      command: '<%= config.bin %> myproxy logon -s myproxy.example.org',
    },
    {
      description: 'in a cron job, with VOMS attributes',
      command:
        '<%= config.bin %> myproxy logon -q -s myproxy.example.org -l alice-robot ' +
        '--pass-phrase-file ~/.robot --voms alice:/alice/Role=production',
    },
    {
      description: 'renew a proxy, as a machine that may',
      command: '<%= config.bin %> myproxy logon -d -a user.proxy -o user.proxy',
    },
  ]
  static override flags = { ...logonFlags, ...jsonFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyLogon)
    await this.refuseVo(flags)
    const library = await loadLibrary()
    refuseMixture(flags, library)
    const passPhrases = await this.passPhrases(flags)
    const result = await library.logOn({
      open: ({ keyKind }) => this.openMyProxy(flags, { keyKind }),
      environment: process.env,
      configFile: flags.config,
      username: flags.username,
      dnAsUsername: flags['dn-as-username'],
      credentialName: flags.credname,
      lifetimeSeconds: await secondsOf('proxy-lifetime', flags['proxy-lifetime'], 'h', 60),
      keyKind: flags['key-type'] as 'rsa2048' | undefined,
      out: flags.out,
      authorizationFile: flags.authorization,
      noPassPhrase: flags['no-passphrase'],
      noCredentials: flags['no-credentials'],
      requestFile: flags.certreq,
      trustRoots: flags.trustroots,
      bootstrap: flags.bootstrap,
      voms: flags.voms,
      unverified: flags['no-verify'],
      vomsDirectory: flags.vomsdir,
      vomses: flags.vomses,
      passPhrase: () => passPhrases.current(),
      keyPassPhrase: passPhrases.ofKey,
      signal: library.interruption(),
    })
    await this.show(result, flags, library)
  }

  private async show(
    result: Awaited<ReturnType<Library['logOn']>>,
    { json, quiet, terse }: { json: boolean; quiet: boolean; terse: boolean },
    library: Library,
  ): Promise<void> {
    const { received, trustRoots } = result
    const onStdout = received?.file === null
    if (onStdout) process.stdout.write(received.content)
    if (json) this.print(library.encodeLogon(result))
    if (json || quiet) return
    // Where the proxy goes to standard output, nothing else does.
    if (!onStdout) this.print(library.showLogon(result, terse))
    for (const warning of received?.warnings ?? []) await this.tellWarning(warning)
    if (trustRoots === undefined) return
    const stream = onStdout ? process.stderr : process.stdout
    stream.write(library.showTrustRoots(trustRoots, terse))
    for (const warning of library.warningsOfTrustRoots(trustRoots)) await this.tellWarning(warning)
  }
}

/** Two things cannot both come on standard input, nor both go to standard output. */
function refuseMixture(
  flags: {
    certreq?: string | undefined
    'stdin-pass': boolean
    out?: string | undefined
    json: boolean
  },
  { VoboxError }: Library,
): void {
  const mixed =
    flags.certreq === '-' && flags['stdin-pass']
      ? 'the request and the pass phrase cannot both come on standard input'
      : flags.out === '-' && flags.json
        ? 'the proxy and JSON cannot both go to standard output'
        : undefined
  if (mixed !== undefined) throw new VoboxError('USAGE', mixed)
}
