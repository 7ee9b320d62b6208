/** An open file that is only its own state (eventfd, epoll …): no position, but lseek does no harm (Linux noop_llseek). */
import { FileDescription } from './file-description.ts';

export abstract class AnonymousDescription extends FileDescription {
  override get seekable(): boolean {
    return false;
  }
  override seek(): number {
    return this.pos;
  }
}
