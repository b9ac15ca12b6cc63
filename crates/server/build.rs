//! Makes the folder of the built pages exist, so that the program compiles before they are built.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=ui/dist");
    std::fs::create_dir_all("ui/dist")
}
