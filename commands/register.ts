import { Flags } from '@oclif/core'
import { orNull, present, secondsOf } from './shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Register extends VoboxCommand {
  static override summary = 'Registers a login proxy, so that the service keeps it alive'
  static override description =
    'Takes the proxy in $X509_USER_PROXY, asks the MyProxy server for the stored credential that it ' +
    'is to be renewed from, does one real renewal, and registers it. What is registered already gets ' +
    'the settings that are given; a setting that is not given stays, and an empty value (--email=) ' +
    'takes it back.'
  static override examples = [
    {
      description: 'ask for proxies of 48 hours',
      command:
        '<%= config.bin %> register -t 48 --server myproxy.example.org --email you@example.org --no-voms',
    },
    {
      description: 'a credential that is not stored under the DN',
      command: '<%= config.bin %> register --username joe --credname prod --no-voms',
    },
    {
      description: 'carry a registration over when the DN of a user has changed',
      command: '<%= config.bin %> register --replaces "/DC=ch/CN=old name" --no-voms',
    },
  ]
  static override flags = {
    proxy: Flags.string({
      description: 'the login proxy [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
      helpValue: 'FILE',
    }),
    server: Flags.string({
      char: 's',
      description:
        'MyProxy servers, in the order in which they are tried [default: $MYPROXY_SERVER]',
      helpValue: 'HOST[:PORT],…',
    }),
    hours: Flags.string({
      char: 't',
      description: 'lifetime to ask for: hours, or 90m, 48h, 7d [default: 12]',
      helpValue: 'HOURS',
    }),
    refresh: Flags.string({
      description:
        "age at which a proxy is renewed though it still lives, or 'never' [default: 1h]",
      helpValue: 'DURATION',
    }),
    voms: Flags.string({
      description:
        'VOMS attributes of the proxy, the first of which names its file; may be repeated',
      helpValue: 'VO[:FQAN]',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'no-voms': Flags.boolean({ description: 'a plain proxy, without VOMS attributes, is meant' }),
    username: Flags.string({
      char: 'l',
      description: 'the credential is stored under this name, not under the DN',
      helpValue: 'NAME',
    }),
    credname: Flags.string({
      char: 'k',
      description: 'name of the stored credential',
      helpValue: 'NAME',
    }),
    email: Flags.string({
      description: 'where mail about this registration goes; without it none is sent',
      helpValue: 'ADDRESS',
    }),
    'proxy-safe': Flags.string({
      description: 'mail when the proxy has less than this left, in seconds [default: 3600]',
      helpValue: 'SECONDS',
    }),
    'myproxy-safe': Flags.string({
      description: 'mail when the stored credential has less left, in seconds [default: 864000]',
      helpValue: 'SECONDS',
    }),
    replaces: Flags.string({
      description: 'take settings and file name over from the registration of this DN',
      helpValue: 'DN',
    }),
    'allow-limited': Flags.boolean({ description: 'accept a limited proxy' }),
    'no-check': Flags.boolean({ description: 'ask the MyProxy server nothing now' }),
    force: Flags.boolean({ description: 'replace a registered proxy though it lives longer' }),
    ...jsonFlag,
  }

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
      email: orNull(flags.email),
      voms: flags.voms,
      noVoms: flags['no-voms'],
      allowLimited: flags['allow-limited'],
      noCheck: flags['no-check'],
      force: flags.force,
      replaces: flags.replaces,
    }
    const vo = await this.openVoForRegistering(flags)
    const result = await library.registerProxy(vo, {
      ...library.callerOf(process.env, flags.proxy),
      ...present(settings),
      signal: library.interruption(),
    })
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
