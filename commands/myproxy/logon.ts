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
    const options = library.logonOptionsOf(flags, {
      open: (settings) => this.openMyProxy(flags, settings),
      environment: process.env,
      lifetimeSeconds: await lifetimeOf(flags['proxy-lifetime']),
      passPhrase: () => passPhrases.current(),
      keyPassPhrase: passPhrases.ofKey,
      signal: library.interruption(),
    })
    const { stdout, stderr } = library.sayLogon(
      this.config.bin,
      await library.logOn(options),
      flags,
    )
    process.stdout.write(stdout)
    process.stderr.write(stderr)
  }
}

/** As of `myproxy-logon`, 0 is as much as the server gives. */
function lifetimeOf(text: string | undefined): Promise<number | undefined> {
  const least = text !== undefined && /^0+[a-z]?$/.test(text) ? 0 : 60
  return secondsOf('proxy-lifetime', text, 'h', least)
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
