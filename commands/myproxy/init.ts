import { accessOptionsOf } from '../shared/myproxy-access-flags.js'
import { MyProxyCommand } from '../shared/myproxy-command.js'
import { myProxyInitFlags } from '../shared/myproxy-init-flags.js'
import { secondsOf } from '../shared/values.js'
import { loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyInit extends MyProxyCommand {
  static override summary = 'Stores a credential of yours on a MyProxy server'
  static override description =
    'The server makes a key, and your certificate signs a proxy for it: your own key stays here. With ' +
    'the pass phrase, which is asked for twice, myproxy logon fetches proxies; without one, a machine ' +
    'that may renew does. What you have stored under the same name is replaced, and you are told ' +
    'before where that serves somebody else. Only the first server is asked, and once.'
  static override examples = [
    {
      description: 'for a VO-Box, and see whether it could renew it',
      command: '<%= config.bin %> myproxy init --for-vobox -s myproxy.example.org',
    },
    {
      description: 'for a week, to be fetched with a pass phrase from anywhere',
      command: '<%= config.bin %> myproxy init -a -l anna',
    },
    {
      description: 'with a pass phrase for a cron job, which nobody has to think of',
      command:
        '<%= config.bin %> myproxy init -a -l anna -k cron -c 30d --generate-pass-phrase ' +
        '--pass-phrase-out ~/.robot',
    },
  ]
  static override flags = myProxyInitFlags

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(MyProxyInit)
    const library = await loadLibrary()
    const forVobox = flags['for-vobox']
    if (!forVobox) await this.refuseVo(flags)
    const handOver = flags['generate-pass-phrase']
      ? await library.handOverTo(flags['pass-phrase-out'])
      : undefined
    const terms = forVobox ? library.VOBOX_TERMS : {}
    const result = await library.storeByDelegation({
      client: await this.openMyProxy(flags),
      environment: process.env,
      configFile: flags.config,
      certificateFile: flags.certfile,
      keyFile: flags.keyfile,
      username: flags.username,
      dnAsUsername: flags['dn-as-username'] || forVobox,
      credentialName: flags.credname,
      description: flags.creddesc,
      storedSeconds:
        (await secondsOf('cred-lifetime', flags['cred-lifetime'], 'h')) ?? terms.storedSeconds,
      lifetimeSeconds:
        (await secondsOf('proxy-lifetime', flags['proxy-lifetime'], 'h')) ?? terms.lifetimeSeconds,
      access: library.accessPolicyOf(accessOptionsOf(raw)),
      passPhrases: await this.passPhrases(flags),
      noPassPhrase: flags['no-passphrase'],
      handOver,
      voms: flags.voms,
      allowVoms: flags['allow-voms'],
      localProxy: flags['local-proxy'],
      mayReplace: (warning) => this.mayReplace(warning, flags),
      forVobox: forVobox ? { dn: flags['vobox-dn'], vo: flags.vo } : undefined,
      onIdentity: (identity) => {
        if (!flags.json) this.print(library.showProxyInitStep({ step: 'identity', identity }))
      },
      signal: library.interruption(),
    })
    for (const warning of result.warnings.filter(isNews)) await this.tellWarning(warning)
    if (flags.json) this.print(library.encodeMyProxyInit(result))
    else this.print(library.showMyProxyInit(result, flags.terse))
    if (library.initHasFailed(result)) process.exitCode = 1
  }
}

/** What was said while there was time to stop is not said again. */
const isNews = ({ code }: { code: string }) => code !== 'replaces-other-mode'
