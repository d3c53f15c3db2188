/** Files that the build puts into the script as they are. */
declare module '*.svg' {
  const text: string;
  export default text;
}
