/** A time as the server sees it, the same in every region: UTC. */
export function When({ at }: { at: Date }) {
  const text = at.toISOString();
  return <time dateTime={text}>{`${text.slice(0, 10)} ${text.slice(11, 19)} UTC`}</time>;
}
