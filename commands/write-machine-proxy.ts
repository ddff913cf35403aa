import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class WriteMachineProxy extends VoboxCommand {
  static override summary = 'Writes a credential from standard input as the owner of the directory'
  static override description =
    'Used by machine-proxy, so that root writes to no directory of others.'
  static override hidden = true
  static override flags = {
    out: Flags.string({ description: 'the file', helpValue: 'FILE', required: true }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(WriteMachineProxy)
    const { writeMachineProxy } = await loadLibrary()
    await writeMachineProxy(flags.out, process.stdin)
  }
}
