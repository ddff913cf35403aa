import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class Unregister extends VoboxCommand {
  static override summary = 'Ends a registration and removes its proxy file'
  static override description =
    'Where one person is registered several times, with other attributes each, --voms with the first ' +
    'of them, or --no-voms, says which. The credential on the MyProxy server stays: ' +
    '`vobox-proxy myproxy destroy -d` removes it.'
  static override examples = [
    { description: 'your own registration', command: '<%= config.bin %> unregister' },
    {
      description: 'that of somebody who has left',
      command: '<%= config.bin %> --vo alice --dn "/DC=ch/CN=gone" unregister',
    },
    {
      description: 'of several, the one of a role',
      command: '<%= config.bin %> unregister --voms alice:/alice/Role=lcgadmin',
    },
  ]
  static override flags = {
    ...selectionFlags,
    'no-voms': Flags.boolean({
      description: 'the plain registration, where there are others with attributes',
      exclusive: ['voms'],
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Unregister)
    const vo = await this.openVoForRegistering(flags)
    const { encodeUnregistered, interruption, selectFrom, showUnregistered, unregisterProxy } =
      await loadLibrary()
    const results = []
    const { dn, voms, 'no-voms': noVoms } = flags
    const meant = await selectFrom(vo, { dn, voms, noVoms, ownOnly: true }, process.env)
    try {
      for (const { fileName } of meant) {
        const result = await unregisterProxy(vo, { fileName, signal: interruption() })
        results.push(result)
        if (!flags.json) this.print(showUnregistered(result))
      }
    } finally {
      // What was done is told, also where the next one failed.
      const done = results.length > 0 || meant.length === 0
      if (flags.json && done) this.print(encodeUnregistered(vo.vo, results))
    }
    this.tellWarnings(vo)
  }
}
