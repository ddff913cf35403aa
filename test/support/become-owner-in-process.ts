/** Becomes the owner of a directory, then says who it is: `node SCRIPT DIRECTORY`. */
import { becomeVoOwner } from '../../src/node/compose/become-owner.js'
import { nodeFiles } from '../../src/node/ports/files.js'

/** Whether root's rights can be had back. */
function regained(): boolean {
  try {
    process.setuid?.(0)
    return true
  } catch {
    return false
  }
}

becomeVoOwner(nodeFiles, process.argv[2] ?? '').then(
  (owner) => {
    const ids = {
      owner,
      uid: [process.getuid?.(), process.geteuid?.()],
      gid: [process.getgid?.(), process.getegid?.()],
      groups: process.getgroups?.(),
      regained: regained(),
    }
    process.stdout.write(JSON.stringify(ids))
  },
  (error: unknown) => {
    process.stdout.write(JSON.stringify({ code: (error as { code?: string }).code }))
  },
)
