import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class WriteVoDirectory extends VoboxCommand {
  static override summary = 'Works inside a VO directory as its owner'
  static override description = 'Used by setup, so that root writes to no directory of others.'
  static override hidden = true
  static override flags = {
    out: Flags.string({ description: 'the VO directory', helpValue: 'DIRECTORY', required: true }),
    task: Flags.option({
      description: 'what to do there',
      options: ['make', 'rehearse', 'empty'] as const,
      required: true,
    })(),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(WriteVoDirectory)
    const { writeVoDirectory } = await loadLibrary()
    this.print(JSON.stringify(await writeVoDirectory(flags.out, flags.task)))
  }
}
