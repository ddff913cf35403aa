import { registerFlags } from './shared/register-flags.js'
import { orNull, present, secondsOf } from './shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Register extends VoboxCommand {
  static override summary = 'Registers a login proxy, so that the service keeps it alive'
  static override description =
    'Takes the proxy in $X509_USER_PROXY, asks the MyProxy server for the stored credential that it ' +
    'is to be renewed from, does one real renewal with its VOMS attributes, and registers it. Without ' +
    '--voms the attributes of the login proxy are registered; a proxy without any needs --no-voms. ' +
    'What is registered already gets the settings that are given; a setting that is not given stays, ' +
    'and an empty value (--email=) takes it back. Other attributes in the first place are another ' +
    'registration, with a file of its own.'
  static override examples = [
    {
      description: 'ask for proxies of 48 hours',
      command:
        '<%= config.bin %> register -t 48 --server myproxy.example.org --email you@example.org',
    },
    {
      description: 'with a role, whatever the login proxy carries',
      command: '<%= config.bin %> register --voms alice:/alice/Role=lcgadmin',
    },
    {
      description: 'a plain proxy, without VOMS attributes',
      command: '<%= config.bin %> register --no-voms',
    },
    {
      description: 'a credential that is not stored under the DN',
      command: '<%= config.bin %> register --username joe --credname prod',
    },
    {
      description: 'by pass phrase, where the MyProxy server makes no VO-Box a renewer',
      command: '<%= config.bin %> register --pass-phrase-file ~/.myproxy-pass-phrase',
    },
    {
      description: 'carry a registration over when the DN of a user has changed',
      command: '<%= config.bin %> register --replaces "/DC=ch/CN=old name"',
    },
  ]
  static override flags = { ...registerFlags, ...jsonFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(Register)
    const library = await loadLibrary()
    const settings = {
      lifetimeSeconds: await secondsOf('hours', flags.hours, 'h', 1),
      refreshSeconds:
        flags.refresh === 'never' ? null : await secondsOf('refresh', flags.refresh, 's', 1),
      proxySafeSeconds: await secondsOf('proxy-safe', flags['proxy-safe'], 's'),
      myproxySafeSeconds: await secondsOf('myproxy-safe', flags['myproxy-safe'], 's'),
      servers: flags.server?.split(',').map((server) => server.trim()),
      username: orNull(flags.username),
      credentialName: orNull(flags.credname),
      passPhraseFile: library.fullPath(orNull(flags['pass-phrase-file'])),
      email: orNull(flags.email),
      voms: flags.voms,
      noVoms: flags['no-voms'],
      allowPartial: flags['require-all'] ? false : flags['allow-partial'],
      allowLimited: flags['allow-limited'],
      noCheck: flags['no-check'],
      force: flags.force,
      replaces: flags.replaces,
    }
    const vo = await this.openVoForRegistering(flags)
    const registered = await library.registerProxy(vo, {
      ...library.callerOf(process.env, flags.proxy),
      ...present(settings),
      signal: library.interruption(),
    })
    const result = await library.withMailTrouble(vo, registered)
    vo.close()
    this.print(
      flags.json
        ? library.encodeRegistered(vo.vo, result)
        : library.showRegistered(result, vo.clock.now()),
    )
    if (!flags.json) for (const warning of result.warnings) await this.tellWarning(warning)
    this.tellWarnings(vo)
  }
}
