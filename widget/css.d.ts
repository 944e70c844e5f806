// A style sheet is imported as its text: the build minifies it, tests read it as it stands.
declare module "*.css" {
  const text: string;
  export default text;
}
