from qlac_lite.cli import main

if __name__ == "__main__":
    main()
